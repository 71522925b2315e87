//! `[policy.resources]`: how resources are counted that are not plain sums.

use std::collections::BTreeMap;

use crate::config::section::Section;
use crate::config::value::{number, parsed};
use crate::quota::measure::MOST_DECIMALS;
use crate::quota::{Aggregate, Measure, Resource};

/// The measures of a file.
pub(super) type Measures = BTreeMap<Resource, Measure>;

pub(super) fn resources(section: &Section<'_>) -> Measures {
    let mut measures = Measures::new();
    for (key, entry) in section.others() {
        let resource: Option<Resource> = section.heed(key, &entry.place, key.parse());
        let measure = measure(&section.named(key, &entry.node), resource.as_ref());
        let measure = section.heed(key, &entry.place, measure.consistent().map(|()| measure));
        measures.extend(resource.zip(measure));
    }
    measures
}

/// Reads `{ aggregate = "max", unit = "seats", decimals = 1 }`; what it leaves out is as usual.
fn measure(section: &Section<'_>, resource: Option<&Resource>) -> Measure {
    let usual = resource.map_or(Measure::COUNT, Resource::usual_measure);
    let aggregate = section.value("aggregate", parsed).unwrap_or(usual.aggregate);
    // Members are things, whatever they are called.
    let usual = if aggregate == Aggregate::Unique { Measure::COUNT } else { usual };
    let most = u32::from(MOST_DECIMALS);
    let decimals = section.value("decimals", |node| number(node, &(0..=most)));
    let measure = Measure {
        aggregate,
        unit: section.value("unit", parsed).unwrap_or(usual.unit),
        decimals: decimals.and_then(|it| u8::try_from(it).ok()).unwrap_or(usual.decimals),
    };
    section.finish();
    measure
}

/// Returns how `resource` is counted, as the file says or as usual.
pub(super) fn of(measures: &Measures, resource: &Resource) -> Measure {
    measures.get(resource).cloned().unwrap_or_else(|| resource.usual_measure())
}

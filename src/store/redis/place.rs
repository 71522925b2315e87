//! Place: an opened bucket: one whose counts are complete, so that who has none has used nothing.
//!
//! One of which nothing can be kept is written down all the same: so it is known which lines are
//! needed. The sums of a rolling one are kept in parts, and the text of the place is all there is.

use std::time::Duration;

use super::codec::{maybe, moment};
use super::fault::corrupt;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::can_be_kept;
use crate::quota::{Aggregate, Bucket, Invalid, Per, Period, Resource, Zone};
use crate::store::StoreError;

/// An opened bucket, written `ID:SHAPE:AGGREGATE:AT:START:END:KEY`. SHAPE is `stretch`, `first` or
/// `rolling`; AT is a moment by which one of a series can be made again; END is `-` if it does not
/// end, or of a series.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) aggregate: Aggregate,
    /// Of a series (by first use, rolling): the one it was opened for.
    pub(super) bucket: Bucket,
}

impl Place {
    /// Reads a place.
    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        let wrong = || corrupt(format!("\"{text}\" is no bucket"));
        let mut parts = text.splitn(7, ':');
        let mut next = || parts.next().ok_or_else(wrong);
        let (id, shape, aggregate) = (next()?, next()?, next()?);
        let (at, start, end, key) = (next()?, next()?, next()?, next()?);
        let bucket = if shape == "stretch" {
            let (key, start) = (key.to_owned(), moment(start)?);
            Bucket { key, start, end: maybe(end)?, shape: Shape::Stretch }
        } else {
            series(key, moment(at)?)?
        };
        let aggregate = aggregate.parse().map_err(|_| wrong())?;
        Ok(Self { id: id.to_owned(), aggregate, bucket })
    }

    /// Writes the place of `bucket`, without its id: `SHAPE:AGGREGATE:AT:START:END:KEY`.
    pub(super) fn write(bucket: &Bucket, aggregate: Aggregate) -> String {
        let (start, end) = match bucket.shape {
            Shape::Stretch => (bucket.start, bucket.end),
            Shape::FirstUse { .. } | Shape::Rolling { .. } => (Timestamp::MIN, None),
        };
        let end = end.map_or_else(|| "-".to_owned(), |end| end.millis().to_string());
        let (shape, at) = (shape(bucket), made_again_by(bucket).millis());
        format!("{shape}:{aggregate}:{at}:{}:{end}:{}", start.millis(), bucket.key)
    }

    /// Returns the field of a bucket in the hash of places.
    pub(super) fn field(per: Per, resource: &Resource, key: &str) -> String {
        format!("{per}:{resource}:{key}")
    }

    /// Reads the field of a bucket in the hash of places; leaves out its key.
    pub(super) fn whose(field: &str) -> Result<(Per, Resource), StoreError> {
        let mut parts = field.splitn(3, ':');
        let per = parts.next().and_then(Per::named);
        let resource = parts.next().and_then(|resource| resource.parse().ok());
        per.zip(resource).ok_or_else(|| corrupt(format!("\"{field}\" is no bucket")))
    }

    /// Returns true if a count is kept of it for each account.
    pub(super) fn is_counted(&self) -> bool {
        can_be_kept(&self.bucket, self.aggregate)
    }

    /// Returns true if it is a rolling window whose sums are kept in parts.
    pub(super) fn is_in_parts(&self) -> bool {
        self.is_rolling() && self.aggregate == Aggregate::Sum
    }

    /// Returns true if it moves.
    pub(super) const fn is_rolling(&self) -> bool {
        matches!(self.bucket.shape, Shape::Rolling { .. })
    }

    /// Returns its bucket as it is at `moment`, if it is one of a series.
    pub(super) fn at(&self, moment: Timestamp) -> Result<Bucket, StoreError> {
        if self.bucket.shape == Shape::Stretch {
            return Ok(self.bucket.clone());
        }
        series(&self.bucket.key, moment)
    }
}

/// Returns the word for the shape of `bucket`.
pub(super) const fn shape(bucket: &Bucket) -> &'static str {
    match bucket.shape {
        Shape::Stretch => "stretch",
        Shape::FirstUse { .. } => "first",
        Shape::Rolling { .. } => "rolling",
    }
}

fn made_again_by(bucket: &Bucket) -> Timestamp {
    match (&bucket.shape, bucket.end) {
        (Shape::Rolling { .. }, Some(end)) => end.before(Duration::from_millis(1)),
        _ => bucket.start,
    }
}

/// Returns the bucket of a series, of which the key tells all, as it is at `moment`.
pub(super) fn series(key: &str, moment: Timestamp) -> Result<Bucket, StoreError> {
    let read = || -> Result<Bucket, Invalid> {
        let (period, zone) = match key.split_once('@') {
            Some((period, zone)) => (period, zone.parse()?),
            None => (key, Zone::UTC),
        };
        Ok(Bucket::of(period.parse::<Period>()?, &zone, moment))
    };
    read().map_err(|error| corrupt(format!("\"{key}\" is no bucket: {error}")))
}

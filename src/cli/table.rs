//! Tables without lines: columns that stand below their names.

use comfy_table::{Table, presets};

/// Returns `rows` as a table below `header`, or `none` if there are no rows.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    none: &str,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    if table.is_empty() {
        return none.to_owned();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_names_and_nothing_trails() {
        let rows = [["@alice".to_owned(), "5".to_owned()]];
        assert_eq!(table(["SUBJECT", "USED"], rows, "nobody"), "SUBJECT  USED\n@alice   5");
    }

    #[test]
    fn without_rows_it_says_so() {
        assert_eq!(table(["SUBJECT"], [], "nobody"), "nobody");
    }
}

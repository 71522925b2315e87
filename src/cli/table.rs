//! Tables without lines: columns that stand below their names.

use comfy_table::{Table, presets};

/// Returns `rows` as a table below `header`, or `none` if there are no rows. A column that says
/// nothing is left out.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    none: &str,
) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return none.to_owned();
    }
    let said =
        |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|it| !it.is_empty()));
    let said: Vec<_> = (0..N).map(said).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(only(&said, header));
    table.add_rows(rows.into_iter().map(|row| only(&said, row)));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn only<T, const N: usize>(said: &[bool], row: [T; N]) -> Vec<T> {
    let cells = said.iter().zip(row).filter(|(said, _)| **said);
    cells.map(|(_, cell)| cell).collect()
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
    fn a_column_that_says_nothing_is_left_out() {
        let rows = [["@alice", "", "5"], ["@bob", "", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["SUBJECT", "MODE", "USED"], rows, "nobody"),
            "SUBJECT  USED\n@alice   5\n@bob"
        );
    }

    #[test]
    fn without_rows_it_says_so() {
        assert_eq!(table(["SUBJECT"], [], "nobody"), "nobody");
    }
}

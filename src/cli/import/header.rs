//! The header line: which columns there are, checked against which there may be. It must not
//! know what a column means.

use super::row::Row;
use crate::config::closest;

/// The columns of a kind of file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    /// Any other column is an attribute; otherwise it is refused.
    pub(super) attributes: bool,
}

impl Columns {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// The columns of a file, in its order.
pub(super) struct Header {
    names: Vec<String>,
    columns: Columns,
}

impl Header {
    /// Checks the first line of a file.
    ///
    /// # Errors
    /// Every column that is unknown, twice there or missing.
    pub(super) fn check(names: Vec<String>, columns: Columns) -> Result<Self, String> {
        let mut faults = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                faults.push(format!("column {} has no name", index + 1));
            } else if names[..index].contains(name) {
                faults.push(format!("column `{name}` is there twice"));
            } else if !columns.attributes && !columns.names().any(|known| known == name) {
                let meant = closest(name, columns.names());
                let meant = meant.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                faults.push(format!("unknown column `{name}`{meant}"));
            }
        }
        let missing = columns
            .required
            .iter()
            .filter(|name| !names.iter().any(|n| n == *name));
        faults.extend(missing.map(|name| format!("column `{name}` is missing")));
        if faults.is_empty() {
            Ok(Self { names, columns })
        } else {
            Err(faults.join("; "))
        }
    }

    /// The cells of a line under their columns.
    ///
    /// # Errors
    /// Too many cells or too few.
    pub(super) fn row<'a>(&'a self, cells: &'a [String]) -> Result<Row<'a>, String> {
        if cells.len() == self.names.len() {
            return Ok(Row::new(self, cells));
        }
        Err(format!(
            "{} cells where the header has {}",
            cells.len(),
            self.names.len()
        ))
    }

    /// Where a column is.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The columns that are attributes, with their places.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (usize, &str)> {
        let named = self.names.iter().map(String::as_str).enumerate();
        named.filter(|(_, name)| !self.columns.names().any(|known| known == *name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        required: &["sku", "location"],
        optional: &["region"],
        attributes: false,
    };

    fn complaint(names: &[&str], columns: Columns) -> String {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Header::check(names, columns).err().unwrap_or_default()
    }

    #[test]
    fn columns_may_come_in_any_order_and_optional_ones_may_be_absent() {
        assert_eq!(complaint(&["location", "sku"], COLUMNS), "");
        assert_eq!(complaint(&["region", "location", "sku"], COLUMNS), "");
    }

    #[test]
    fn every_fault_of_a_header_is_named_at_once() {
        assert_eq!(
            complaint(&["loction", "region", "region", ""], COLUMNS),
            "unknown column `loction`; did you mean `location`?; column `region` is there twice; \
             column 4 has no name; column `sku` is missing; column `location` is missing"
        );
    }

    #[test]
    fn where_attributes_are_welcome_every_other_column_is_one() {
        let columns = Columns {
            attributes: true,
            ..COLUMNS
        };
        assert_eq!(complaint(&["sku", "location", "colour"], columns), "");
        let names = ["colour", "sku", "location", "size"]
            .map(str::to_owned)
            .to_vec();
        let header = Header::check(names, columns).ok().unwrap();
        assert_eq!(
            header.attributes().collect::<Vec<_>>(),
            [(0, "colour"), (3, "size")]
        );
    }

    #[test]
    fn a_line_of_another_length_is_refused() {
        let header = Header::check(vec!["sku".to_owned(), "location".to_owned()], COLUMNS);
        let header = header.ok().unwrap();
        let cells = vec!["a".to_owned()];
        let refused = header.row(&cells).err().unwrap();
        assert_eq!(refused, "1 cells where the header has 2");
    }
}

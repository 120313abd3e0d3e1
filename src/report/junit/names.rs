//! Unique names of cases.

use std::collections::{HashMap, HashSet};

use quick_junit::TestCase;

/// The names of cases so far. GitLab drops a case with the name and class of an earlier one.
#[derive(Debug, Default)]
pub(crate) struct UniqueNames {
    of_class: HashMap<String, ClassNames>,
}

/// The names of one class.
#[derive(Debug, Default)]
struct ClassNames {
    taken: HashSet<String>,
    /// The last number that was appended to a name.
    last: HashMap<String, usize>,
    /// Number of names that were tried.
    #[cfg(test)]
    tried: usize,
}

impl UniqueNames {
    /// Appends a number to the name of a case if an earlier case of the class has the same name.
    pub(crate) fn add(&mut self, case: &mut TestCase, class: &str) {
        let names = match self.of_class.get_mut(class) {
            Some(names) => names,
            None => self.of_class.entry(class.to_owned()).or_default(),
        };
        if let Some(other) = names.add(case.name.as_str()) {
            case.name = other.into();
        }
    }
}

impl ClassNames {
    /// Takes this name. Returns the name with a number if it is taken.
    fn add(&mut self, plain: &str) -> Option<String> {
        if self.take(plain.to_owned()) {
            return None;
        }
        // The numbers below the last one are taken.
        let mut number = self.last.get(plain).copied().unwrap_or(1);
        let name = loop {
            number += 1;
            let name = format!("{plain} ({number})");
            if self.take(name.clone()) {
                break name;
            }
        };
        self.last.insert(plain.to_owned(), number);
        Some(name)
    }

    fn take(&mut self, name: String) -> bool {
        #[cfg(test)]
        {
            self.tried += 1;
        }
        self.taken.insert(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_numbered_stay_unique() {
        let mut names = ClassNames::default();
        let found = ["it", "it (2)", "it", "it", "it (2)"].map(|name| names.add(name));
        let expected = [
            None,
            None,
            Some("it (3)"),
            Some("it (4)"),
            Some("it (2) (2)"),
        ];
        assert_eq!(found.each_ref().map(Option::as_deref), expected);
    }

    #[test]
    fn each_of_many_equal_names_takes_a_bounded_number_of_steps() {
        let mut names = ClassNames::default();
        for _ in 0..1_000 {
            names.add("it");
        }
        assert_eq!(names.taken.len(), 1_000);
        // Its own name, and the next number.
        assert!(names.tried <= 2 * 1_000, "{}", names.tried);
    }
}

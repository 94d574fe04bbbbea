//! The questions that have names.

/// The SQL of the view `flows`.
pub const FLOWS: &str = include_str!("../sql/flows.sql");

/// A question with a name. Its SQL is a file in `sql/`, the same for every engine; what it answers stands in the first
/// line.
///
/// # Examples
///
/// ```
/// use pcaps_query::Question;
///
/// for question in Question::all() {
///     println!("{}: {}", question.name(), question.about());
/// }
/// assert!(Question::named("syn-flood").is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    name: &'static str,
    sql: &'static str,
}

macro_rules! questions {
    ($($name:literal)*) => {
        &[$(Question {
            name: $name,
            sql: include_str!(concat!("../sql/", $name, ".sql")),
        }),*]
    };
}

const ALL: &[Question] = questions!(
    "top-talkers" "ports" "syn-flood" "dns-amplification" "scan" "timeline" "retransmits" "mtu"
);

impl Question {
    /// All of them.
    pub fn all() -> &'static [Self] {
        ALL
    }

    /// The question of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|it| it.name == name).copied()
    }

    /// Its name, such as `top-talkers`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What it answers, in a sentence.
    pub fn about(self) -> &'static str {
        let first = self.sql.lines().next().unwrap_or_default();
        first.trim_start_matches("-- ")
    }

    /// Its SQL, with comments.
    pub fn sql(self) -> &'static str {
        self.sql
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_is_a_question_that_says_what_it_answers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
        let files: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        let names = ALL.iter().map(|it| it.name).chain(["flows"]);
        assert_eq!(files, names.map(|it| format!("{it}.sql")).collect());
        for question in ALL {
            let about = question.about();
            assert!(about.ends_with('.'), "{}: {about}", question.name);
            assert!(question.sql.starts_with("-- "), "{}", question.name);
        }
    }

    /// Without an order that leaves nothing open, engines would give different rows.
    #[test]
    fn every_answer_has_an_order() {
        for question in ALL {
            assert!(question.sql.contains("\nORDER BY "), "{}", question.name);
        }
    }
}

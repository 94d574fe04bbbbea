//! The comparison in words.

use std::{collections::BTreeSet, io::Write};

use anyhow::Result;
use serde_json::json;

use super::{Change, Class, Format, compare::DOCUMENTATION};

/// The version that a release with such a change must have. Below 1.0 the second number is what callers depend on.
pub(super) fn bump(version: &str, class: Class) -> String {
    let numbers: Vec<u64> = version
        .split('.')
        .filter_map(|it| it.parse().ok())
        .collect();
    match (numbers[..].first_chunk(), class) {
        (Some([0, minor, _]), Class::Breaking) => format!("0.{}.0", minor + 1),
        (Some([major, _, _]), Class::Breaking) => format!("{}.0.0", major + 1),
        (Some([0, minor, patch]), Class::Compatible) => format!("0.{minor}.{}", patch + 1),
        (Some([major, minor, _]), Class::Compatible) => format!("{major}.{}.0", minor + 1),
        (None, Class::Breaking) => "the next that may break".to_owned(),
        (None, Class::Compatible) => "the next compatible one".to_owned(),
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Compatible => "compatible",
        Class::Breaking => "breaking",
    }
}

/// Prints the comparison.
pub(super) fn write(
    changes: &[Change],
    class: Option<Class>,
    bump: Option<&str>,
    format: Format,
    report: &mut dyn Write,
) -> Result<()> {
    if let Format::Json = format {
        let changes: Vec<_> = changes
            .iter()
            .map(|it| {
                json!({
                    "operations": it.operations,
                    "class": word(it.class),
                    "item": it.item,
                    "what": it.what,
                })
            })
            .collect();
        let whole =
            json!({ "class": class.map_or("none", word), "version": bump, "changes": changes });
        writeln!(report, "{whole:#}")?;
        return Ok(());
    }
    let (Some(class), Some(bump)) = (class, bump) else {
        writeln!(report, "no change")?;
        return Ok(());
    };
    let breaking = changes
        .iter()
        .filter(|it| it.class == Class::Breaking)
        .count();
    let summary = format!(
        "{} ({breaking} breaking, {} compatible): the next version is {bump}",
        word(class),
        changes.len() - breaking
    );
    match format {
        Format::Markdown => writeln!(report, "**{summary}**")?,
        Format::Text | Format::Json => writeln!(report, "{summary}")?,
    }
    // One line is enough for these: the text is in the diff of the description.
    let (documentation, changes): (Vec<_>, Vec<_>) =
        changes.iter().partition(|it| it.what == DOCUMENTATION);
    for group in changes.chunk_by(|one, other| one.operations == other.operations) {
        let operations = match group[0].operations.as_slice() {
            [] => "used by no operation".to_owned(),
            names => names.join(", "),
        };
        match format {
            Format::Markdown => {
                writeln!(
                    report,
                    "\n#### {operations}\n\n| | item | change |\n|---|---|---|"
                )?;
                for it in group {
                    let mark = if it.class == Class::Breaking {
                        "**breaking**"
                    } else {
                        "compatible"
                    };
                    writeln!(
                        report,
                        "| {mark} | `{}` | {} |",
                        it.item,
                        it.what.replace('|', "\\|")
                    )?;
                }
            }
            Format::Text | Format::Json => {
                writeln!(report, "\n{operations}")?;
                for it in group {
                    writeln!(report, "  {:<10}  {}: {}", word(it.class), it.item, it.what)?;
                }
            }
        }
    }
    if !documentation.is_empty() {
        let items: BTreeSet<_> = documentation.iter().map(|it| it.item.as_str()).collect();
        let (mark, items) = match format {
            Format::Markdown => ("`", items.into_iter().collect::<Vec<_>>().join("`, `")),
            Format::Text | Format::Json => ("", items.into_iter().collect::<Vec<_>>().join(", ")),
        };
        writeln!(report, "\n{DOCUMENTATION}: {mark}{items}{mark}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_up_as_cargo_understands_them() {
        use Class::{Breaking, Compatible};
        for (version, class, next) in [
            ("0.1.4", Breaking, "0.2.0"),
            ("0.1.4", Compatible, "0.1.5"),
            ("1.2.3", Breaking, "2.0.0"),
            ("1.2.3", Compatible, "1.3.0"),
            ("", Breaking, "the next that may break"),
        ] {
            assert_eq!(bump(version, class), next);
        }
    }
}

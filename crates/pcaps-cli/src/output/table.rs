//! Tables: as wide as the terminal, and one row a line everywhere else.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use terminal_size::terminal_size_of;

use super::{paint, text::one_line};

/// What stands in a cell without a value.
const NOTHING: &str = "-";

/// The blanks between columns.
const GAP: u16 = 2;

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    title: &'a str,
    /// How narrow it may become, in characters: what does not fit goes on in the next line. None if it is never
    /// broken.
    least: Option<u16>,
    /// Its place in the order in which columns are left out when the terminal is too narrow for all of them, the
    /// highest first; 0 if it never is.
    dispensable: u8,
    /// Whether its cells are states, which have colours.
    has_states: bool,
}

impl<'a> Column<'a> {
    /// A column that is always there, whole.
    pub(super) const fn whole(title: &'a str) -> Self {
        Self {
            title,
            least: None,
            dispensable: 0,
            has_states: false,
        }
    }

    /// A column that may be broken into lines of `least` characters.
    pub(super) const fn broken(title: &'a str, least: u16) -> Self {
        Self {
            title,
            least: Some(least),
            dispensable: 0,
            has_states: false,
        }
    }

    /// A column of states, whole.
    pub(super) const fn states(title: &'a str) -> Self {
        Self {
            has_states: true,
            ..Self::whole(title)
        }
    }

    /// The same, and it may be left out on a narrow terminal.
    pub(super) const fn dispensable(self, dispensable: u8) -> Self {
        Self {
            dispensable,
            ..self
        }
    }
}

/// The rows under their titles.
pub(super) fn table<R: AsRef<[String]>>(columns: &[Column], rows: &[R]) -> String {
    render(columns, rows, width())
}

/// How wide the terminal is, in columns; nothing where standard output is none.
pub(super) fn width() -> Option<u16> {
    terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

fn render<R: AsRef<[String]>>(columns: &[Column], rows: &[R], width: Option<u16>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|it| it.title));
    for row in rows {
        table.add_row(row.as_ref().iter().map(|cell| match one_line(cell) {
            cell if cell.is_empty() => NOTHING.to_owned(),
            cell => cell,
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(width) = width {
        fit(&mut table, columns, rows, width);
    }
    let states = columns.iter().find(|it| it.has_states);
    let mut text = String::new();
    let mut states_at = None;
    for line in table.lines() {
        let line = line.trim_end();
        match (states, states_at) {
            (Some(states), None) => {
                states_at = line.find(states.title);
                text.push_str(line);
            }
            (_, Some(at)) => push_painted(&mut text, line, at),
            (None, None) => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Adds a line with its state, which begins at a byte, in its colour. (What is before it is ids and names, in ASCII: where
/// it is not, nothing is coloured.)
fn push_painted(text: &mut String, line: &str, at: usize) {
    match line.split_at_checked(at) {
        Some((before, rest)) if before.is_ascii() => {
            let end = rest.find(' ').unwrap_or(rest.len());
            let (state, after) = rest.split_at(end);
            text.push_str(before);
            text.push_str(&paint::state(state));
            text.push_str(after);
        }
        _ => text.push_str(line),
    }
}

/// Makes room: columns that say nothing go, then those that can be done without, and the others are broken.
fn fit<R: AsRef<[String]>>(table: &mut Table, columns: &[Column], rows: &[R], width: u16) {
    let natural = table.column_max_content_widths();
    // What each column needs at least; nothing for those that are not shown.
    let mut needed: Vec<_> = columns
        .iter()
        .zip(natural)
        .map(|(column, natural)| Some(column.least.map_or(natural, |least| least.min(natural))))
        .collect();
    for (index, needed) in needed.iter_mut().enumerate() {
        if rows
            .iter()
            .all(|row| row.as_ref().get(index).is_none_or(String::is_empty))
        {
            *needed = None;
        }
    }
    // The gap after the last column is not seen.
    let total = |needed: &[Option<u16>]| {
        let widths = needed
            .iter()
            .flatten()
            .map(|it| u32::from(*it) + u32::from(GAP));
        widths.sum::<u32>().saturating_sub(u32::from(GAP))
    };
    while total(&needed) > u32::from(width) {
        let next = (0..columns.len())
            .filter(|it| needed[*it].is_some() && columns[*it].dispensable > 0)
            .max_by_key(|it| columns[*it].dispensable);
        match next {
            Some(next) => needed[next] = None,
            None => break,
        }
    }
    table
        .set_width(width.saturating_add(GAP))
        .set_content_arrangement(ContentArrangement::Dynamic);
    for ((column, needed), description) in table.column_iter_mut().zip(needed).zip(columns) {
        column.set_constraint(match (needed, description.least) {
            (None, _) => ColumnConstraint::Hidden,
            (Some(_), None) => ColumnConstraint::ContentWidth,
            (Some(needed), Some(_)) => {
                ColumnConstraint::LowerBoundary(Width::Fixed(needed.saturating_add(GAP)))
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    const COLUMNS: [Column<'static>; 4] = [
        Column::whole("ID"),
        Column::whole("COLO"),
        Column::broken("FILTER", 10),
        Column::broken("TIME", 10).dispensable(1),
    ];

    fn rows() -> Vec<[String; 4]> {
        let row = |filter: &str| {
            let time = "2026-11-23 10:00:00Z";
            [ID, "", filter, time].map(str::to_owned)
        };
        vec![
            row("udp and dst host 192.0.2.1 and dst port 53"),
            row("tcp\n"),
        ]
    }

    #[test]
    fn a_pipe_gets_a_row_a_line() {
        let text = render(&COLUMNS, &rows(), None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("ID ") && lines[0].contains("COLO"),
            "{text}"
        );
        assert!(lines[1].starts_with(&format!("{ID}  -     udp")), "{text}");
    }

    #[test]
    fn a_terminal_gets_no_line_that_is_too_long() {
        for width in [44, 60, 80, 200] {
            let text = render(&COLUMNS, &rows(), Some(width));
            let longest = text.lines().map(|it| it.chars().count()).max();
            assert!(longest <= Some(width.into()), "{width}:\n{text}");
            assert!(
                text.contains(ID) && !text.contains("COLO"),
                "{width}:\n{text}"
            );
            assert_eq!(text.contains("TIME"), width >= 60, "{width}:\n{text}");
        }
    }

    #[test]
    fn states_have_colours() {
        let columns = [
            Column::whole("ID"),
            Column::states("STATUS"),
            Column::whole("X"),
        ];
        let rows = [
            ["a", "failed", "failed"],
            ["ab", "odd", ""],
            ["ü", "failed", ""],
        ];
        let text = render(&columns, &rows.map(|row| row.map(str::to_owned)), None);
        assert_eq!(
            text,
            "ID  STATUS  X\na   \u{1b}[31mfailed\u{1b}[0m  failed\nab  odd     -\nü   failed  -\n"
        );
    }

    #[test]
    fn a_terminal_that_is_too_narrow_for_all_is_no_reason_to_fail() {
        for width in 0..44 {
            assert!(
                render(&COLUMNS, &rows(), Some(width)).contains(ID),
                "{width}"
            );
        }
    }
}

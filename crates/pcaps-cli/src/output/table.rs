//! Tables: as wide as the terminal, and one row a line everywhere else.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use terminal_size::{Width, terminal_size_of};

use super::text::one_line;

/// What stands in a cell without a value.
const NOTHING: &str = "-";

/// The rows under their header. The first column is never broken: it is what people copy.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    render(
        header,
        rows,
        terminal_size_of(std::io::stdout()).map(|(Width(width), _)| width),
    )
}

fn render<const N: usize>(header: [&str; N], rows: &[[String; N]], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| match one_line(cell) {
            cell if cell.is_empty() => NOTHING.to_owned(),
            cell => cell,
        }));
    }
    table.set_content_arrangement(ContentArrangement::Disabled);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(width) = width {
        table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic);
        for (index, column) in table.column_iter_mut().enumerate() {
            if index == 0 {
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else if rows
                .iter()
                .all(|row| row.get(index).is_none_or(String::is_empty))
            {
                // There is no room for columns that say nothing.
                column.set_constraint(ColumnConstraint::Hidden);
            }
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 4]> {
        let row = |id: &str, filter: &str| {
            [
                id.to_owned(),
                String::new(),
                filter.to_owned(),
                "2026-11-23 10:00:00Z".into(),
            ]
        };
        vec![
            row(
                "0123456789abcdef0123456789abcdef",
                "udp and dst host 192.0.2.1 and dst port 53",
            ),
            row("fedcba9876543210fedcba9876543210", "tcp\n"),
        ]
    }

    const HEADER: [&str; 4] = ["ID", "COLO", "FILTER", "TIME"];

    #[test]
    fn a_pipe_gets_a_row_a_line() {
        let text = render(HEADER, &rows(), None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].starts_with("ID ") && lines[0].contains("COLO"),
            "{text}"
        );
        assert!(
            lines[1].starts_with("0123456789abcdef0123456789abcdef  -  "),
            "{text}"
        );
    }

    #[test]
    fn a_terminal_gets_no_line_that_is_too_long() {
        for width in [40, 60, 80, 200] {
            let text = render(HEADER, &rows(), Some(width));
            assert!(
                text.lines()
                    .all(|it| it.chars().count() <= usize::from(width)),
                "{width}:\n{text}"
            );
            assert!(
                text.contains("0123456789abcdef0123456789abcdef"),
                "{width}:\n{text}"
            );
            assert!(!text.contains("COLO"), "{text}");
        }
    }
}

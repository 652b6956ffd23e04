//! Tables with box-drawing lines, as OPA draws them: headers centred, cells to the left.

/// Draws a table; every row has as many cells as the header.
pub(crate) fn draw(header: &[String], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = header.iter().enumerate().map(|(i, title)| width(i, title, rows)).collect();
    let mut out = rule(&widths, "┌┬┐");
    out.push_str(&line(header, &widths, centered));
    out.push_str(&rule(&widths, "├┼┤"));
    for row in rows {
        out.push_str(&line(row, &widths, |text, width| format!("{text:width$}")));
    }
    out.push_str(&rule(&widths, "└┴┘"));
    out
}

/// Draws a table without a header whose cells have several lines, with a rule between its rows.
pub(crate) fn blocks(rows: &[[String; 2]]) -> String {
    let lines = |cell: &String| cell.split('\n').map(str::to_owned).collect::<Vec<_>>();
    let split: Vec<[Vec<String>; 2]> = rows.iter().map(|row| [lines(&row[0]), lines(&row[1])]).collect();
    let flat: Vec<Vec<String>> = split.iter().flat_map(paired).collect();
    let widths: Vec<usize> = (0..2).map(|column| width(column, "", &flat)).collect();
    let mut out = String::new();
    for (i, row) in split.iter().enumerate() {
        out.push_str(&rule(&widths, if i == 0 { "┌┬┐" } else { "├┼┤" }));
        for cells in paired(row) {
            out.push_str(&line(&cells, &widths, |text, width| format!("{text:width$}")));
        }
    }
    out.push_str(&rule(&widths, "└┴┘"));
    out
}

/// The lines of two cells side by side.
fn paired(cells: &[Vec<String>; 2]) -> Vec<Vec<String>> {
    let count = cells[0].len().max(cells[1].len());
    let at = |column: usize, i: usize| cells[column].get(i).cloned().unwrap_or_default();
    (0..count).map(|i| vec![at(0, i), at(1, i)]).collect()
}

/// Draws a table without a header, its second column to the right.
pub(crate) fn bare(rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..2).map(|column| width(column, "", rows)).collect();
    let mut out = rule(&widths, "┌┬┐");
    for row in rows {
        let right = widths.last().copied().unwrap_or(0);
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(i, c)| if i == 1 { format!("{c:>right$}") } else { c.clone() })
            .collect();
        out.push_str(&line(&cells, &widths, |text, width| format!("{text:width$}")));
    }
    out.push_str(&rule(&widths, "└┴┘"));
    out
}

fn width(column: usize, title: &str, rows: &[Vec<String>]) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
    cells.chain([title.chars().count()]).max().unwrap_or(0)
}

fn centered(text: &str, width: usize) -> String {
    format!("{text:^width$}")
}

fn line(cells: &[String], widths: &[usize], align: impl Fn(&str, usize) -> String) -> String {
    let shown: Vec<String> = cells.iter().zip(widths).map(|(text, &width)| align(text, width)).collect();
    format!("│ {} │\n", shown.join(" │ "))
}

/// A horizontal line; `corners` are its left end, crossing and right end.
fn rule(widths: &[usize], corners: &str) -> String {
    let mut ends = corners.chars();
    let mut next = || ends.next().map(String::from).unwrap_or_default();
    let (left, crossing, right) = (next(), next(), next());
    let bars: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
    format!("{left}{}{right}\n", bars.join(&crossing))
}

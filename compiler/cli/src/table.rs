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

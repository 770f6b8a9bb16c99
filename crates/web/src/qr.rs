//! QR codes: an address as squares, for a page or for a terminal.

use fast_qr::QRBuilder;

/// The light squares on each side, without which cameras find nothing.
const QUIET: usize = 4;

/// A code as a picture: a square, and the path of its dark parts in units of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// How many modules it is wide and high, the light ones around it included.
    pub size: usize,
    /// The path, as SVG writes it: digits and the letters of its commands, nothing else.
    pub path: String,
}

/// A text as a picture; none where it is too long for a code.
pub fn picture(text: &str) -> Option<Picture> {
    let rows = rows(text)?;
    let mut path = String::new();
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        while x < row.len() {
            let run = row.iter().skip(x).take_while(|dark| **dark).count();
            if 0 < run {
                path.push_str(&format!("M{x} {y}h{run}v1h-{run}z"));
            }
            x += run.max(1);
        }
    }
    Some(Picture { size: rows.len(), path })
}

/// A text as lines of half blocks, dark on light as terminals with a dark ground need it; none where it is too long.
pub fn terminal(text: &str) -> Option<String> {
    let rows = rows(text)?;
    let mut lines = String::new();
    for pair in rows.chunks(2) {
        let (upper, lower) = (pair.first()?, pair.get(1));
        for (x, upper) in upper.iter().enumerate() {
            let lower = lower.and_then(|row| row.get(x)).copied().unwrap_or(false);
            // What is light in the code is what a dark terminal draws.
            lines.push(match (upper, lower) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            });
        }
        lines.push('\n');
    }
    Some(lines)
}

/// Which modules are dark, with the light ones around them.
fn rows(text: &str) -> Option<Vec<Vec<bool>>> {
    let code = QRBuilder::new(text).build().ok()?;
    let wide = code.size + 2 * QUIET;
    let dark = |y: usize, x: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
        inside(y).zip(inside(x)).is_some_and(|(y, x)| code[y][x].value())
    };
    Some((0..wide).map(|y| (0..wide).map(|x| dark(y, x)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://pay.example/pay/lnk_01KAZ0A3C0ET1N8R7P6QGX5W9D";

    #[test]
    fn a_code_has_its_three_corners_and_light_around_it() {
        let rows = rows(ADDRESS).unwrap();
        assert!(rows.iter().all(|row| row.len() == rows.len()));
        let last = rows.len() - QUIET - 1;
        // The ring of a corner is seven modules of dark, then one of light.
        for (y, x) in [(QUIET, QUIET), (QUIET, last - 6), (last - 6, QUIET)] {
            assert!((0..7).all(|step| rows[y][x + step] && rows[y + step][x]), "a corner at {y} {x}");
            assert!((1..6).all(|step| !rows[y + 1][x + step]), "inside the corner at {y} {x}");
        }
        let edge = |at: usize| at < QUIET || last < at;
        for (y, row) in rows.iter().enumerate() {
            assert!(row.iter().enumerate().all(|(x, dark)| !dark || !(edge(y) || edge(x))), "row {y}");
        }
    }

    #[test]
    fn the_picture_has_what_the_terminal_has() {
        let (picture, drawn) = (picture(ADDRESS).unwrap(), terminal(ADDRESS).unwrap());
        assert_eq!(drawn.lines().count(), picture.size.div_ceil(2));
        assert!(drawn.lines().all(|line| line.chars().count() == picture.size));
        let dark: usize = rows(ADDRESS).unwrap().iter().flatten().filter(|dark| **dark).count();
        let runs = picture.path.split('M').skip(1).map(|run| {
            let run = run.split_once('h').unwrap().1;
            run.split_once('v').unwrap().0.parse::<usize>().unwrap()
        });
        assert_eq!(runs.sum::<usize>(), dark);
        assert!(picture.path.chars().all(|it| it.is_ascii_digit() || "M hvz-".contains(it)));
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(picture(&"x".repeat(10_000)), None);
    }
}

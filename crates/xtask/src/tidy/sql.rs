//! SQL stands where a database is the subject: in the PostgreSQL journal, in views, bodies, papers,
//! deliveries, and what pages keep.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// What gives a statement away.
const STATEMENTS: &[&str] = &["SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE"];

/// The ends of the paths where statements belong; xtask itself names them.
const HOMES: &[&str] = &[
    "crates/engine/src/journal/postgres.rs",
    "/views.rs",
    "/bodies.rs",
    "/papers.rs",
    "/store.rs",
    "/deliveries.rs",
];

/// No string with a statement stands anywhere else in product code.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in &tree.sources {
        let at_home = HOMES.iter().any(|home| path.ends_with(home)) || path.contains("/views/");
        if at_home || path.starts_with("crates/xtask/") {
            continue;
        }
        for statement in STATEMENTS {
            for (offset, _) in source.strings.match_indices(statement) {
                if !tree.is_test(path, source, offset) {
                    let advice = format!(
                        "`{}` outside of a journal or a view; move the query there",
                        statement.trim()
                    );
                    findings.push(Finding::new(path, source.line(offset), advice));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    #[test]
    fn statements_stay_at_home() {
        let query = "//! Reads.\nconst ONE: &str = \"\n    SELECT 1\";";
        assert_lines(
            check,
            &[
                ("crates/server/src/routes.rs", query, &[3]),
                ("crates/engine/src/writer.rs", "let a = \"INSERT INTO a VALUES (1)\";", &[1]),
                ("crates/engine/src/journal/postgres.rs", query, &[]),
                ("crates/engine/src/journal/file.rs", query, &[3]),
                ("crates/server/src/views.rs", query, &[]),
                ("crates/server/src/reviews.rs", query, &[3]),
                ("crates/server/src/views/search.rs", query, &[]),
                ("crates/server/src/bodies.rs", query, &[]),
                ("crates/server/src/routes.rs", "// SELECT 1\nfn SELECT () {}", &[]),
                ("crates/server/tests/http.rs", query, &[]),
            ],
        );
    }
}

//! Which header counts, and which combinations nobody may guess about.

use protocols::a402::headers::{Aliases, HeaderFault, HeaderRole, find};

/// One line a case: role, aliases, headers, and the value that counts.
fn check(
    role: HeaderRole,
    aliases: Aliases,
    headers: &[(&str, &str)],
    expected: Result<Option<&str>, HeaderFault>,
) {
    let bytes = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    assert_eq!(find(role, aliases, bytes), expected, "{role:?} {aliases:?} {headers:?}");
}

#[test]
fn one_request_pays_in_one_way() {
    use Aliases::{Off, On};
    use HeaderRole::{Needed, Proof, Validation};
    const OURS: (&str, &str) = ("payment-proof", "a");
    const OLDER: (&str, &str) = ("Payment-Signature", "b");
    let mixed = |name, other| Err(HeaderFault::Mixed { name, other });

    check(Proof, Off, &[], Ok(None));
    check(Proof, Off, &[("Accept", "*/*"), OURS], Ok(Some("a")));
    check(Proof, Off, &[OLDER], Ok(None)); // another dialect's
    check(Proof, On, &[OLDER], Ok(Some("b")));
    for aliases in [Off, On] {
        check(Proof, aliases, &[OURS, OLDER], mixed("Payment-Proof", "PAYMENT-SIGNATURE"));
        check(Proof, aliases, &[OURS, ("x-payment", "b")], mixed("Payment-Proof", "X-PAYMENT"));
        check(
            Proof,
            aliases,
            &[("authorization", "PAYMENT c"), OURS],
            mixed("Payment-Proof", "Authorization: Payment"),
        );
        check(Proof, aliases, &[("Authorization", "Bearer c"), OURS], Ok(Some("a")));
        check(Proof, aliases, &[OURS, OURS], Err(HeaderFault::Repeated { name: "Payment-Proof" }));
    }
    check(Proof, On, &[OLDER, OLDER], Err(HeaderFault::Repeated { name: "PAYMENT-SIGNATURE" }));
    check(Proof, On, &[OLDER, ("X-Payment", "b")], mixed("PAYMENT-SIGNATURE", "X-PAYMENT"));
    // An answer may demand in two dialects, unless both names are read as one.
    let both = [("Payment-Needed", "a"), ("PAYMENT-REQUIRED", "b")];
    check(Needed, Off, &both, Ok(Some("a")));
    check(Needed, On, &both, mixed("Payment-Needed", "PAYMENT-REQUIRED"));
    check(Validation, On, &[("payment-response", "c")], Ok(Some("c")));
    for value in ["a b", "a\t", "", "ä"] {
        let expected = if value.is_empty() {
            Ok(Some(""))
        } else {
            Err(HeaderFault::Unprintable { name: "Payment-Proof" })
        };
        check(Proof, Off, &[("Payment-Proof", value)], expected);
    }
}

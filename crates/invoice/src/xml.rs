//! XML as it is written here: elements within elements, each on its own line, every text escaped.

use std::fmt::Write as _;

/// A document under way.
#[derive(Debug)]
pub(crate) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Begins with an element and its attributes, which are ours.
    pub(crate) fn new(root: &'static str, attributes: &str) -> Xml {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} {attributes}>\n");
        Xml { text, open: vec![root] }
    }

    /// Opens an element.
    pub(crate) fn begin(&mut self, name: &'static str) {
        self.indent();
        let _ = writeln!(self.text, "<{name}>");
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub(crate) fn end(&mut self) {
        let name = self.open.pop().expect("what ends has begun");
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    /// An element with a text.
    pub(crate) fn leaf(&mut self, name: &'static str, text: &str) {
        self.leaf_of(name, None, text);
    }

    /// An element with a text, and an attribute.
    pub(crate) fn leaf_of(
        &mut self,
        name: &'static str,
        attribute: Option<(&'static str, &str)>,
        text: &str,
    ) {
        self.indent();
        let _ = write!(self.text, "<{name}");
        if let Some((key, value)) = attribute {
            let _ = write!(self.text, " {key}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.text, ">{}</{name}>", escaped(text));
    }

    /// An element with a text, where there is one.
    pub(crate) fn maybe(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// The whole document.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }

    fn indent(&mut self) {
        self.text.extend(self.open.iter().map(|_| "  "));
    }
}

/// XML 1.0 §2.4; characters that no document may have were refused before.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            it => out.push(it),
        }
    }
    out
}

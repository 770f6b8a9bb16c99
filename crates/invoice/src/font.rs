//! Fonts: two that this crate carries, and a text as runs of glyphs of either.
//!
//! Both are cut from fonts under the Apache License 2.0 (see `fonts/README.md`): Roboto for letters, Droid Sans Fallback for
//! the 8,105 characters that China's table of general standard characters has, names of people and places included.

use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::FontRef;
use skrifa::{MetadataProvider, charmap::Charmap, metrics::GlyphMetrics};
use std::ops::Range;

const LATIN: &[u8] = include_bytes!("../fonts/latin.ttf");
const CHINESE: &[u8] = include_bytes!("../fonts/cjk.ttf");

/// What stands for a character that neither font has.
const MISSING: char = '?';

/// Both fonts.
pub(crate) struct Fonts {
    latin: Face,
    chinese: Face,
}

struct Face {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    per_em: f32,
}

/// Neighbours of one font.
struct Run<'f> {
    face: &'f Face,
    glyphs: Vec<KrillaGlyph>,
    text: Range<usize>,
}

impl Face {
    fn new(bytes: &'static [u8]) -> Face {
        let read = FontRef::new(bytes).expect("the font is one");
        let font = Font::new(bytes.into(), 0).expect("the font is one");
        let per_em = font.units_per_em();
        Face {
            font,
            characters: read.charmap(),
            metrics: read.glyph_metrics(Size::unscaled(), LocationRef::default()),
            per_em,
        }
    }

    /// The glyph of a character, and how wide it is, in ems.
    fn glyph(&self, character: char) -> Option<(GlyphId, f32)> {
        let glyph = self.characters.map(character)?;
        let width = self.metrics.advance_width(glyph).unwrap_or_default() / self.per_em;
        Some((GlyphId::new(glyph.to_u32()), width))
    }
}

impl Fonts {
    pub(crate) fn new() -> Fonts {
        Fonts { latin: Face::new(LATIN), chinese: Face::new(CHINESE) }
    }

    fn find(&self, character: char) -> (&Face, GlyphId, f32) {
        let of = |face| {
            let face: &Face = face;
            face.glyph(character).map(|(glyph, width)| (face, glyph, width))
        };
        of(&self.latin).or_else(|| of(&self.chinese)).unwrap_or_else(|| {
            let (glyph, width) = self.latin.glyph(MISSING).expect("every font has a question mark");
            (&self.latin, glyph, width)
        })
    }

    /// How wide a text is.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|it| self.find(it).2 * size).sum()
    }

    /// A text in lines no wider than `width`, broken between words or, where one is too long or has no spaces, anywhere.
    pub(crate) fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let (mut line, mut wide) = (String::new(), 0.0);
            for it in paragraph.chars() {
                let next = self.find(it).2 * size;
                if width < wide + next && !line.is_empty() {
                    let rest = match line.rfind(' ') {
                        Some(space) if it != ' ' && it < '\u{2E80}' => line.split_off(space + 1),
                        Some(_) | None => String::new(),
                    };
                    lines.push(line.trim_end().to_owned());
                    line = rest;
                    wide = self.width(&line, size);
                }
                if !line.is_empty() || it != ' ' {
                    line.push(it);
                    wide += next;
                }
            }
            lines.push(line);
        }
        lines
    }

    /// Draws a text whose baseline begins at `x`, `y`.
    pub(crate) fn draw(&self, surface: &mut Surface<'_>, x: f32, y: f32, size: f32, text: &str) {
        let mut start = x;
        for run in self.runs(text) {
            let wide: f32 = run.glyphs.iter().map(|glyph| glyph.x_advance * size).sum();
            let point = Point::from_xy(start, y);
            let said = text.get(run.text).unwrap_or_default();
            surface.draw_glyphs(point, &run.glyphs, run.face.font.clone(), said, size, false);
            start += wide;
        }
    }

    fn runs(&self, text: &str) -> Vec<Run<'_>> {
        let mut runs: Vec<Run<'_>> = Vec::new();
        for (at, it) in text.char_indices() {
            let (face, glyph_id, x_advance) = self.find(it);
            let end = at + it.len_utf8();
            if runs.last().is_none_or(|run| !std::ptr::eq(run.face, face)) {
                runs.push(Run { face, glyphs: Vec::new(), text: at..at });
            }
            let Some(run) = runs.last_mut() else { continue };
            run.glyphs.push(KrillaGlyph {
                glyph_id,
                text_range: at - run.text.start..end - run.text.start,
                x_advance,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            });
            run.text.end = end;
        }
        runs
    }
}

//! Words on the page: cleaned, measured, broken, placed.

use genpdf::{Context, Mm, Position, error::Error, render::Area, style::Color, style::LineStyle, style::Style};
use unicode_normalization::UnicodeNormalization;

use crate::render::{
    chart::{Anchor, Drawing, Shape},
    palette::Rgb,
};

/// Returns a colour of the palette as genpdf's.
pub fn color((red, green, blue): Rgb) -> Color {
    Color::Rgb(red, green, blue)
}

/// Returns a style of `size` points in `rgb`.
pub fn style(size: u8, rgb: Rgb, bold: bool) -> Style {
    let style = Style::new().with_font_size(size).with_color(color(rgb));
    if bold { style.bold() } else { style }
}

/// Returns millimetres of a genpdf length.
pub fn mm(length: Mm) -> f64 {
    let millimetres: f32 = length.into();
    f64::from(millimetres)
}

/// Returns a genpdf position.
pub fn at(x: f64, y: f64) -> Position {
    #[expect(clippy::cast_possible_truncation, reason = "millimetres of a page")]
    Position::new(x as f32, y as f32)
}

/// Returns a genpdf length.
pub fn length(millimetres: f64) -> Mm {
    #[expect(clippy::cast_possible_truncation, reason = "millimetres of a page")]
    Mm::from(millimetres as f32)
}

/// Makes a text printable: composed accents, one line, and a box for what the face can not show, so that nothing vanishes.
pub fn clean(context: &Context, text: &str) -> String {
    let font = context.font_cache.get_rt_font(context.font_cache.default_font_family().regular);
    text.nfc()
        .filter(|char| !matches!(char, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\u{00ad}'))
        .map(|char| if char.is_whitespace() || char.is_control() { ' ' } else { char })
        .map(|char| if font.glyph(char).id().0 == 0 { '□' } else { char })
        .collect()
}

/// Returns the width of a cleaned text.
pub fn width(context: &Context, text: &str, style: Style) -> f64 {
    mm(style.str_width(&context.font_cache, text))
}

/// Returns the height of a line.
pub fn line_height(context: &Context, style: Style) -> f64 {
    mm(style.metrics(&context.font_cache).line_height)
}

/// Breaks a text into lines no wider than `limit`; a word that is wider is broken inside.
pub fn wrap(context: &Context, text: &str, style: Style, limit: f64) -> Vec<String> {
    let text = clean(context, text);
    if width(context, &text, style) <= limit {
        return vec![text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(context, &joined, style) <= limit {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for piece in pieces(word) {
            let joined = format!("{line}{piece}");
            if width(context, &joined, style) <= limit {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for char in piece.chars() {
                let longer = format!("{line}{char}");
                if !line.is_empty() && width(context, &longer, style) > limit {
                    lines.push(std::mem::replace(&mut line, char.to_string()));
                } else {
                    line = longer;
                }
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Parts a word where it may be broken before it has to be: behind the marks within addresses and paths.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(['.', '@', '-', '_', '/', ':'])
}

/// Places a line of text; `y` is the top of the line.
pub fn put(context: &Context, area: &Area<'_>, x: f64, y: f64, text: &str, style: Style, anchor: Anchor) -> Result<(), Error> {
    put_clean(context, area, (x, y), &clean(context, text), style, anchor)
}

/// Places a line that [`wrap`] made.
pub fn put_clean(context: &Context, area: &Area<'_>, (x, y): (f64, f64), text: &str, style: Style, anchor: Anchor) -> Result<(), Error> {
    let shift = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width(context, text, style) / 2.0,
        Anchor::End => width(context, text, style),
    };
    // Words of two lines must not run together where the page is read aloud or copied.
    let spaced = if anchor == Anchor::Start { format!("{text} ") } else { text.to_owned() };
    area.print_str(&context.font_cache, at(x - shift, y), style, spaced)?;
    Ok(())
}

/// Fills a rectangle: a line as thick as the rectangle is high.
pub fn fill(area: &Area<'_>, x: f64, y: f64, width: f64, height: f64, rgb: Rgb) {
    let middle = y + height / 2.0;
    area.draw_line([at(x, middle), at(x + width, middle)], LineStyle::new().with_thickness(length(height)).with_color(color(rgb)));
}

/// Draws a hairline.
pub fn rule(area: &Area<'_>, x: f64, y: f64, width: f64, thickness: f64, rgb: Rgb) {
    area.draw_line([at(x, y), at(x + width, y)], LineStyle::new().with_thickness(length(thickness)).with_color(color(rgb)));
}

/// Draws a line through points.
pub fn polyline(area: &Area<'_>, points: &[(f64, f64)], thickness: f64, rgb: Rgb) {
    let style = LineStyle::new().with_thickness(length(thickness)).with_color(color(rgb));
    area.draw_line(points.iter().map(|(x, y)| at(*x, *y)), style);
}

/// Draws the shapes of a drawing.
pub fn draw(context: &Context, area: &Area<'_>, drawing: &Drawing) -> Result<(), Error> {
    for shape in &drawing.shapes {
        match shape {
            Shape::Rect { x, y, width, height, color } => fill(area, *x, *y, *width, *height, *color),
            Shape::Line { points, thickness, color } => polyline(area, points, *thickness, *color),
            Shape::Text { x, y, text, size, color, anchor, bold } => {
                let style = style(*size, *color, *bold);
                let metrics = style.metrics(&context.font_cache);
                // `y` is the middle of the small letters: half their height above the base line.
                let top = *y - mm(metrics.ascent) + f64::from(*size) * 0.3528 * 0.36;
                put(context, area, *x, top, text, style, *anchor)?;
            }
        }
    }
    Ok(())
}

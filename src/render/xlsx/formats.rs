//! Cell formats by kind of value.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::{
    domain::{Kind, Language},
    render::palette::{self, Rgb},
};

/// The formats of a workbook.
pub struct Formats {
    language: Language,
}

/// How a row stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// An ordinary row.
    Normal,
    /// A total.
    Total,
}

impl Formats {
    pub fn new(language: Language) -> Formats {
        Formats { language }
    }

    /// Returns the mark that lets a number format follow the report's language.
    fn prefix(&self) -> &'static str {
        match self.language {
            Language::PtBr => "[$-416]",
            Language::EnUs => "[$-409]",
        }
    }

    /// Returns the number format of a change, which always has its sign: `number` with `unit` behind it.
    pub fn change(&self, number: &str, unit: &str) -> String {
        let (prefix, unit) = (self.prefix(), if unit.is_empty() { String::new() } else { format!("\" {unit}\"") });
        format!("{prefix}+{number}{unit};{prefix}-{number}{unit};{prefix}{number}{unit}")
    }

    /// Returns the number format of a kind, in Excel's notation. Separators follow the reader's own settings.
    pub fn number_format(&self, kind: Kind) -> String {
        let prefix = self.prefix();
        let date = match self.language {
            Language::PtBr => "dd/mm/yyyy",
            Language::EnUs => "mm/dd/yyyy",
        };
        match kind {
            Kind::Count | Kind::Hour | Kind::Weekday => format!("{prefix}#,##0"),
            Kind::Number => format!("{prefix}#,##0.00"),
            Kind::Share => format!("{prefix}0.0%"),
            // Up to a minute, up to an hour, beyond: the same units as everywhere else.
            Kind::Duration => r#"[<0.000688657]s" s";[<0.041660879][m]" min "ss" s";[h]" h "mm" min""#.to_owned(),
            Kind::Date => format!("{prefix}{date}"),
            Kind::LocalTime => format!("{prefix}{date} hh:mm"),
            Kind::Text | Kind::Flag => "@".to_owned(),
        }
    }

    /// Returns the format of a cell of a kind.
    pub fn cell(&self, kind: Kind, weight: Weight) -> Format {
        let align = if kind.is_numeric() { FormatAlign::Right } else { FormatAlign::Left };
        weighted(base().set_num_format(self.number_format(kind)).set_align(align), weight)
    }

    /// Returns the format of a value that rests on few answers.
    pub fn marked(&self, kind: Kind, weight: Weight) -> Format {
        let marked = format!("{}\"*\"", self.number_format(kind));
        weighted(base().set_num_format(marked).set_align(FormatAlign::Right).set_font_color(color(palette::MUTED)), weight)
    }
}

/// Returns the format of a text in a numeric column, such as the dash for nothing.
pub fn stand_in(weight: Weight) -> Format {
    weighted(base().set_align(FormatAlign::Right).set_font_color(color(palette::MUTED)), weight)
}

/// Returns the format of a column's heading.
pub fn heading(kind: Kind) -> Format {
    let align = if kind.is_numeric() { FormatAlign::Right } else { FormatAlign::Left };
    base()
        .set_bold()
        .set_font_color(color(palette::WHITE))
        .set_background_color(color(palette::MAIN))
        .set_align(align)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap()
}

/// Returns the format of a sheet's title.
pub fn title() -> Format {
    base().set_bold().set_font_size(16).set_font_color(color(palette::MAIN))
}

/// Returns the format of a section's title.
pub fn section() -> Format {
    base().set_bold().set_font_size(12).set_font_color(color(palette::MAIN))
}

/// Returns the format of second-rank text.
pub fn muted() -> Format {
    base().set_font_color(color(palette::MUTED))
}

/// Returns the format of a sentence over several columns.
pub fn plain(rgb: Rgb) -> Format {
    base().set_font_color(color(rgb))
}

/// Returns the format of running text.
pub fn text() -> Format {
    base().set_text_wrap().set_align(FormatAlign::Top)
}

/// Returns the format of a name before its value.
pub fn name() -> Format {
    base().set_bold().set_align(FormatAlign::Top)
}

/// Returns the format of a warning.
pub fn caution() -> Format {
    base().set_bold().set_font_color(color(palette::CAUTION)).set_background_color(color(palette::CAUTION_GROUND))
}

fn base() -> Format {
    Format::new().set_font_name("Calibri").set_font_size(11)
}

fn weighted(format: Format, weight: Weight) -> Format {
    match weight {
        Weight::Normal => format,
        Weight::Total => format.set_bold().set_border_top(FormatBorder::Thin).set_background_color(color(palette::GROUND)),
    }
}

/// Returns a colour of the palette as Excel's.
pub fn color(rgb: Rgb) -> Color {
    Color::RGB(palette::hex(rgb))
}

//! The shapes of a drawing as PNG, for mail programs, which show no SVG.

use std::sync::{Arc, LazyLock};

use resvg::{
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use super::{Drawing, svg};

/// The faces of the documents, so that a picture looks the same wherever it is made.
static FACES: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut faces = Database::new();
    faces.load_font_data(include_bytes!("../../../assets/fonts/Inter-regular.ttf").to_vec());
    faces.load_font_data(include_bytes!("../../../assets/fonts/Inter-bold.ttf").to_vec());
    Arc::new(faces)
});

/// Pixels of a millimetre: twice what a common screen has, for those that have more.
const PIXELS_PER_MM: f32 = 7.6;

/// Returns a drawing as PNG on white; none where it has no size.
pub fn png(drawing: &Drawing, title: &str) -> Option<Vec<u8>> {
    let options = Options { fontdb: Arc::clone(&FACES), font_family: "Inter".to_owned(), dpi: 25.4, ..Options::default() };
    let tree = Tree::from_str(&svg(drawing, title), &options).ok()?;
    let size = tree.size().to_int_size().scale_by(PIXELS_PER_MM)?;
    let mut picture = Pixmap::new(size.width(), size.height())?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(PIXELS_PER_MM, PIXELS_PER_MM), &mut picture.as_mut());
    picture.encode_png().ok()
}

/// A picture's colours, row by row, three bytes a pixel.
pub struct Pixels {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green, blue.
    pub rgb: Vec<u8>,
}

/// Returns a PNG's colours on `ground`; none where it is none.
pub fn pixels(png: &[u8], ground: (u8, u8, u8)) -> Option<Pixels> {
    let picture = Pixmap::decode_png(png).ok()?;
    let mut rgb = Vec::with_capacity(picture.pixels().len() * 3);
    for pixel in picture.pixels() {
        // Colours are given already weakened by what shines through.
        let through = u16::from(255 - pixel.alpha());
        for (color, below) in [(pixel.red(), ground.0), (pixel.green(), ground.1), (pixel.blue(), ground.2)] {
            rgb.push(u8::try_from((u16::from(color) + u16::from(below) * through / 255).min(255)).unwrap_or(u8::MAX));
        }
    }
    Some(Pixels { width: picture.width(), height: picture.height(), rgb })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::chart::{Anchor, Shape};

    #[test]
    fn a_drawing_becomes_a_picture_with_words_in_it() {
        let drawing = |words: &str| Drawing {
            width: 20.0,
            height: 10.0,
            shapes: vec![Shape::Text {
                x: 1.0,
                y: 5.0,
                text: words.to_owned(),
                size: 12,
                color: (0, 0, 0),
                anchor: Anchor::Start,
                bold: false,
            }],
        };
        let picture = png(&drawing("Média"), "t").unwrap();
        let decoded = Pixmap::decode_png(&picture).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (152, 76));
        assert!(decoded.pixels().iter().any(|pixel| pixel.red() < 128), "the words are there");
        assert_ne!(picture, png(&drawing("Fila"), "t").unwrap());
        assert_eq!(picture, png(&drawing("Média"), "t").unwrap());
    }
}

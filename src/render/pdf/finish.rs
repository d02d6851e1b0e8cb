//! The finishing pass: metadata, bookmarks, compression, and nothing random left.

use lopdf::{Bookmark, Dictionary, Document, Object, StringFormat};
use sha2::{Digest, Sha256};

use crate::domain::ReportData;

/// Returns `bytes` as a finished PDF.
pub fn finish(bytes: &[u8], data: &ReportData, bookmarks: &[(String, usize)]) -> Result<Vec<u8>, lopdf::Error> {
    let mut document = Document::load_mem(bytes)?;
    "1.7".clone_into(&mut document.version);
    let pages: Vec<_> = document.get_pages().into_values().collect();
    for (title, page) in bookmarks {
        if let Some(page) = pages.get(*page) {
            document.add_bookmark(Bookmark::new(title.clone(), [0.0, 0.0, 0.0], 0, *page), None);
        }
    }
    let outline = document.build_outline();
    let issued = Object::string_literal(data.snapshot.published_at.format("D:%Y%m%d%H%M%S+00'00'").to_string());
    let mut info = Dictionary::new();
    info.set("Title", text(&format!("{} – {}", data.title, data.period_label)));
    info.set("Author", text(&data.organization));
    info.set("Subject", text(&data.audience));
    info.set("Keywords", text(&data.snapshot.id));
    info.set("Creator", text("Relato"));
    info.set("Producer", text("Relato"));
    info.set("CreationDate", issued.clone());
    info.set("ModDate", issued);
    let info = document.add_object(info);
    let catalog = document.catalog_mut()?;
    // What the library writes here has random identifiers and the time of writing.
    catalog.remove(b"Metadata");
    catalog.remove(b"OutputIntents");
    catalog.set("Lang", Object::string_literal(data.language.tag()));
    let mut preferences = Dictionary::new();
    preferences.set("DisplayDocTitle", Object::Boolean(true));
    catalog.set("ViewerPreferences", preferences);
    if let Some(outline) = outline {
        catalog.set("Outlines", Object::Reference(outline));
        catalog.set("PageMode", Object::Name(b"UseOutlines".to_vec()));
    }
    encode_titles(&mut document);
    document.trailer.set("Info", Object::Reference(info));
    document.prune_objects();
    document.renumber_objects();
    document.compress();
    document.trailer.remove(b"ID");
    let mut finished = Vec::new();
    document.save_to(&mut finished)?;
    // Two equal identifiers made from the content: a file that was never changed since.
    let id = Object::String(Sha256::digest(&finished)[..16].to_vec(), StringFormat::Hexadecimal);
    document.trailer.set("ID", Object::Array(vec![id.clone(), id]));
    let mut identified = Vec::new();
    document.save_to(&mut identified)?;
    Ok(identified)
}

/// A text as PDF wants it outside of Latin: UTF-16 with a byte order mark.
fn text(value: &str) -> Object {
    let mut bytes = vec![0xFE, 0xFF];
    bytes.extend(value.encode_utf16().flat_map(u16::to_be_bytes));
    Object::String(bytes, StringFormat::Hexadecimal)
}

/// The library writes bookmark titles as UTF-8 bytes, which viewers take for Latin.
fn encode_titles(document: &mut Document) {
    for object in document.objects.values_mut() {
        if let Object::Dictionary(dictionary) = object
            && dictionary.has(b"Dest")
            && let Ok(Object::String(title, _)) = dictionary.get(b"Title")
            && let Ok(title) = String::from_utf8(title.clone())
        {
            dictionary.set("Title", text(&title));
        }
    }
}

//! Records of a collection, and how a page of them is read without losing any.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::envelope::{Answer, Collection};

/// A record of a collection.
pub trait Record: DeserializeOwned + Clone {
    /// Name in messages and counts, such as `ticket`.
    const KIND: &'static str;

    /// Known fields that are passed over on purpose; any other that is not read counts as unknown.
    const PASSED_OVER: &'static [&'static str] = &[];

    /// Returns whether two answers are about the same record, even when it changed in between.
    fn is_same(&self, other: &Self) -> bool;
}

/// One place of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<T> {
    /// A record.
    Record(T),
    /// Something that is none.
    Unreadable(Unreadable),
}

/// A record that does not have the shape of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The field at fault.
    pub field: String,
    /// The record as received: for a keyed fingerprint, never to be stored.
    pub text: String,
}

/// One page of a collection.
#[derive(Debug)]
pub struct Page<T> {
    /// The records, in the order of the answer.
    pub entries: Vec<Entry<T>>,
    /// Number that Blip says matches in all.
    pub total: Option<u64>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page { entries: Vec::new(), total: None }
    }
}

impl<T> Page<T> {
    /// Returns the records that could be read.
    pub fn into_records(self) -> Vec<T> {
        self.entries.into_iter().filter_map(|entry| if let Entry::Record(record) = entry { Some(record) } else { None }).collect()
    }
}

/// Reads an answer that carries a collection; `unknown` counts fields by name.
pub fn read_page<T: Record>(body: &[u8], unknown: &mut BTreeMap<String, u64>) -> Result<Answer<Page<T>>, serde_json::Error> {
    let mut ignored = |path: serde_ignored::Path<'_>| {
        if let Some(field) = field_of_item(&path).filter(|field| !T::PASSED_OVER.contains(field)) {
            match unknown.get_mut(field) {
                Some(count) => *count += 1,
                None => {
                    unknown.insert(field.to_owned(), 1);
                }
            }
        }
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_ignored::deserialize::<_, _, Answer<Collection<T>>>(&mut deserializer, &mut ignored) {
        Ok(answer) => {
            deserializer.end()?;
            Ok(answer.map(|page| Page { entries: page.items.into_iter().map(Entry::Record).collect(), total: page.total }))
        }
        // One record of another shape must not take its page with it.
        Err(error) if error.is_data() => {
            let answer: Answer<Collection<Box<RawValue>>> = serde_json::from_slice(body)?;
            Ok(answer.map(|page| Page { entries: page.items.iter().map(|item| read_item(item)).collect(), total: page.total }))
        }
        Err(error) => Err(error),
    }
}

fn read_item<T: Record>(item: &RawValue) -> Entry<T> {
    let mut deserializer = serde_json::Deserializer::from_str(item.get());
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(record) => Entry::Record(record),
        // The parser's own words could quote a value; the path names fields only.
        Err(error) => Entry::Unreadable(Unreadable { field: error.path().to_string(), text: item.get().to_owned() }),
    }
}

/// Returns the field that `path` names, if it is one of an item itself.
fn field_of_item<'a>(path: &'a serde_ignored::Path<'_>) -> Option<&'a str> {
    match path {
        serde_ignored::Path::Map { parent: serde_ignored::Path::Seq { .. }, key } => Some(key),
        _ => None,
    }
}

impl<T> Answer<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { status: self.status, resource: self.resource.map(change), reason: self.reason }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Thing {
        id: String,
        size: Option<i64>,
    }

    impl Record for Thing {
        const KIND: &'static str = "thing";
        const PASSED_OVER: &'static [&'static str] = &["color"];

        fn is_same(&self, other: &Thing) -> bool {
            self.id == other.id
        }
    }

    fn read(items: &str) -> (Vec<Entry<Thing>>, BTreeMap<String, u64>) {
        let mut unknown = BTreeMap::new();
        let body = format!(r#"{{"status":"success","new":1,"resource":{{"itemType":"thing","items":[{items}]}}}}"#);
        let page = read_page::<Thing>(body.as_bytes(), &mut unknown).unwrap().resource.unwrap();
        (page.entries, unknown)
    }

    #[test]
    fn unknown_fields_of_records_are_counted_by_name_and_known_ones_passed_over() {
        let (entries, unknown) = read(r#"{"id":"a","color":"red","weight":1},{"id":"b","weight":2,"extra":{"weight":3}}"#);
        assert_eq!(entries.len(), 2);
        assert_eq!(unknown, BTreeMap::from([("extra".to_owned(), 1), ("weight".to_owned(), 2)]));
    }

    #[test]
    fn a_record_of_another_shape_does_not_take_its_page_with_it() {
        let (entries, _) = read(r#"{"id":"a"},{"id":"b","size":"5531900000001"},7,{"id":"c"}"#);
        assert_eq!(entries[0], Entry::Record(Thing { id: "a".into(), size: None }));
        assert!(matches!(&entries[1], Entry::Unreadable(one) if one.field == "size"), "{entries:?}");
        assert!(matches!(&entries[2], Entry::Unreadable(_)));
        assert_eq!(entries[3], Entry::Record(Thing { id: "c".into(), size: None }));
    }

    #[test]
    fn a_text_that_breaks_off_is_no_page() {
        let broken = br#"{"status":"success","resource":{"items":[{"id":"a"},{"id""#;
        assert!(read_page::<Thing>(broken, &mut BTreeMap::new()).is_err_and(|error| error.is_eof()));
    }
}

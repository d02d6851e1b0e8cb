//! What a person has in this installation: an entry of `[access]`, addresses in lists of who receives what. Files are edited in place, with
//! every comment where it was.

use std::{fs, path::Path};

use toml_edit::{Array, DocumentMut, Item, TableLike, Value as TomlValue};

use super::state::{Place, State, Value};
use crate::{
    config::{ConfigError, Problem, Project},
    files,
};

const RECIPIENTS: &str = "recipients.toml";

/// Reads who is where into `state`; returns the schedules that have an owner, with the owner's address.
///
/// # Errors
/// When a file is no TOML.
pub fn read(project: &Project, state: &mut State) -> Result<Vec<(String, String)>, ConfigError> {
    // Read again: a step may have edited it.
    let people = Project::open(&project.dir)?.settings.access.people;
    let rows = state.open(Place::Access);
    rows.extend(people.into_iter().map(|person| (person.email, Value::Access { active: person.active })));
    let mut owners = Vec::new();
    for file in with_lists(project) {
        let document = open(&project.dir.join(&file))?;
        for (keys, addresses) in lists(&file, &document) {
            let rows = state.open(Place::List { file: file.clone(), keys });
            rows.extend(addresses.into_iter().map(|address| (address, Value::Listed)));
        }
        if let Some(owner) = document.get("owner").and_then(Item::as_str) {
            owners.push((file, owner.to_lowercase()));
        }
    }
    Ok(owners)
}

/// Returns the files of the project that hold lists of people, relative to it.
fn with_lists(project: &Project) -> Vec<String> {
    let mut schedules: Vec<String> = fs::read_dir(project.dir.join("schedules"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
        .map(|name| format!("schedules/{name}"))
        .collect();
    schedules.sort();
    let own = [RECIPIENTS, Project::SETTINGS_FILE].into_iter().filter(|file| project.dir.join(file).exists()).map(str::to_owned);
    own.chain(schedules).collect()
}

/// Returns the lists of addresses of a file, by their keys.
fn lists(file: &str, document: &DocumentMut) -> Vec<(Vec<String>, Vec<String>)> {
    let keys: Vec<Vec<String>> = if file == RECIPIENTS {
        ["sectors", "groups"]
            .into_iter()
            .flat_map(|part| {
                let names = document.get(part).and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter);
                names.map(move |(name, _)| vec![part.to_owned(), name.to_owned()])
            })
            .collect()
    } else if file == Project::SETTINGS_FILE {
        vec![vec!["delivery".to_owned(), "operations".to_owned()]]
    } else {
        vec![vec!["to".to_owned()], vec!["on_failure".to_owned()]]
    };
    keys.into_iter()
        .filter_map(|keys| {
            let list = keys.iter().try_fold(document.as_item(), |item, key| item.get(key))?.as_array()?;
            Some((keys, list.iter().filter_map(TomlValue::as_str).filter(|text| text.contains('@')).map(str::to_lowercase).collect()))
        })
        .collect()
}

fn open(path: &Path) -> Result<DocumentMut, ConfigError> {
    let text = fs::read_to_string(path).map_err(|error| Problem::of_file(path, format!("cannot be read: {error}")))?;
    text.parse().map_err(|error: toml_edit::TomlError| Problem::of_file(path, error.message().to_owned()).into())
}

/// Puts a row of the project's files in its place, or takes it out.
///
/// # Errors
/// When the file cannot be read or written, or the row has no place any more.
pub fn put(project: &Project, place: &Place, key: &str, value: Option<&Value>) -> Result<(), ConfigError> {
    let file = match place {
        Place::List { file, .. } => file,
        _ => Project::SETTINGS_FILE,
    };
    let path = project.dir.join(file);
    let mut document = open(&path)?;
    let gone = || Problem::of_file(&path, format!("`{key}` has no place there any more"));
    if let Place::List { keys, .. } = place {
        let item = keys.iter().try_fold(document.as_item_mut(), |item, key| item.get_mut(key));
        let list = item.and_then(Item::as_array_mut).ok_or_else(gone)?;
        let is_key = |item: &TomlValue| item.as_str().is_some_and(|text| text.eq_ignore_ascii_case(key));
        match value {
            Some(_) if !list.iter().any(is_key) => list.push(key),
            Some(_) => {}
            None => remove(list, is_key),
        }
    } else {
        let active = !matches!(value, None | Some(Value::Access { active: false }));
        let people = document.get_mut("access").and_then(|access| access.get_mut("person")).ok_or_else(gone)?;
        let is_key =
            |table: &dyn TableLike| table.get("email").and_then(Item::as_str).is_some_and(|email| email.trim().eq_ignore_ascii_case(key));
        let table: Option<&mut dyn TableLike> = match people {
            Item::ArrayOfTables(tables) => tables.iter_mut().find(|table| is_key(*table)).map(|table| table as &mut dyn TableLike),
            Item::Value(TomlValue::Array(tables)) => tables
                .iter_mut()
                .filter_map(TomlValue::as_inline_table_mut)
                .find(|table| is_key(*table))
                .map(|table| table as &mut dyn TableLike),
            _ => None,
        };
        table.ok_or_else(gone)?.insert("active", toml_edit::value(active));
    }
    files::write(&path, document.to_string().as_bytes()).map_err(|error| Problem::of_file(&path, error.to_string()).into())
}

/// Takes items out of a list, and leaves its form.
fn remove(list: &mut Array, is_key: impl Fn(&TomlValue) -> bool) {
    loop {
        let Some(place) = list.iter().position(&is_key) else { return };
        let removed = list.remove(place);
        // What stood before the first item of a list stands before its new first one.
        if let (0, Some(first)) = (place, list.get_mut(0))
            && let Some(prefix) = removed.decor().prefix().and_then(|prefix| prefix.as_str())
        {
            first.decor_mut().set_prefix(prefix.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "# Kept.\n[organization]\nname = \"X\"\ntimezone = \"America/Sao_Paulo\"\n[[blip.key]]\nname = \"desk\"\n\
        base_url = \"http://127.0.0.1:1\"\nkey_env = \"K\"\nroles = [\"desk\"]\n[privacy]\npseudonym_key_env = \"P\"\n\
        [delivery]\noperations = [\"ti@x.org\"]\n[[access.person]]\nemail = \"Ana@x.org\"  # the boss\nprofile = \"administrador\"\n";

    #[test]
    fn rows_are_read_and_put_and_everything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("schedules")).unwrap();
        write("relato.toml", SETTINGS);
        write("recipients.toml", "[groups]\nall = [\"Ana@x.org\", \"b@x.org\"] # everybody\n");
        write("schedules/s.toml", "report = \"volume\"\nowner = \"ana@x.org\"\nto = [\"ana@x.org\", \"group:all\"]\n");
        let project = Project::open(folder.path()).unwrap();
        let mut state = State::default();
        assert_eq!(read(&project, &mut state).unwrap(), [("schedules/s.toml".to_owned(), "ana@x.org".to_owned())]);
        let group = Place::List { file: "recipients.toml".into(), keys: vec!["groups".into(), "all".into()] };
        let to = Place::List { file: "schedules/s.toml".into(), keys: vec!["to".into()] };
        assert_eq!(state.rows(&group).count(), 2);
        assert_eq!(state.rows(&to).map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["ana@x.org"], "a group is no address");
        assert_eq!(state.get(&Place::Access, "ana@x.org"), Some(&Value::Access { active: true }));
        put(&project, &group, "ana@x.org", None).unwrap();
        put(&project, &to, "ana@x.org", None).unwrap();
        put(&project, &Place::Access, "ana@x.org", Some(&Value::Access { active: false })).unwrap();
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(text("recipients.toml"), "[groups]\nall = [\"b@x.org\"] # everybody\n");
        assert_eq!(text("schedules/s.toml"), "report = \"volume\"\nowner = \"ana@x.org\"\nto = [\"group:all\"]\n");
        assert_eq!(text("relato.toml"), format!("{SETTINGS}active = false\n"));
        put(&project, &group, "ana@x.org", Some(&Value::Listed)).unwrap();
        put(&project, &group, "ana@x.org", Some(&Value::Listed)).unwrap();
        assert_eq!(text("recipients.toml"), "[groups]\nall = [\"b@x.org\", \"ana@x.org\"] # everybody\n");
    }
}

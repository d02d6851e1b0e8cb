//! Who runs this program, as far as the system can prove it.
//!
//! The environment is what the caller says. A user behind `sudo` is believed only where the kernel's list of processes agrees: the process
//! runs as somebody else than the caller, and the first process above `sudo` is the caller's own.

use std::fs;

use nix::unistd::{Uid, User, getppid};

use crate::{audit::Asker, config::Access};

/// Returns who asks.
pub fn asker(access: &Access) -> Asker {
    let uid = Uid::current();
    let own = name_of(uid).unwrap_or_else(|| uid.to_string());
    Asker {
        os_user: caller(uid).unwrap_or_else(|| own.clone()),
        os_uid: uid.as_raw(),
        uid_user: own,
        declared: set("RELATO_EMAIL").map(|email| email.to_lowercase()),
        by_os_user: access.names_users(),
    }
}

/// Returns whether the environment says that sudo started this process, whether or not that is true.
pub fn says_sudo() -> bool {
    set("SUDO_UID").is_some() || set("SUDO_USER").is_some()
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|text| !text.is_empty())
}

fn name_of(uid: Uid) -> Option<String> {
    User::from_uid(uid).ok().flatten().map(|user| user.name)
}

/// Returns the user who called `sudo`; none where that is not proved.
fn caller(own: Uid) -> Option<String> {
    let (name, uid) = (set("SUDO_USER")?, set("SUDO_UID")?.parse().ok()?);
    let is_known = name_of(Uid::from_raw(uid)).as_ref() == Some(&name);
    let parent = u32::try_from(getppid().as_raw()).ok()?;
    (is_known && is_behind_sudo(own.as_raw(), uid, parent, &running)).then_some(name)
}

/// A process as the kernel describes it.
#[derive(Debug, Clone)]
struct Running {
    name: String,
    parent: u32,
    real_uid: u32,
    effective_uid: u32,
}

/// Most processes between this one and the caller's: sudo, and sudo again for its own terminal.
const LONGEST_CHAIN: usize = 8;

/// Returns whether the user `caller` started, through `sudo`, a process of the user `own` whose parent is `parent`.
fn is_behind_sudo(own: u32, caller: u32, parent: u32, running: &dyn Fn(u32) -> Option<Running>) -> bool {
    let (mut id, mut has_sudo) = (parent, false);
    for _ in 0..LONGEST_CHAIN {
        // The first process of all takes over whom others leave behind, and proves nothing.
        let Some(process) = Some(id).filter(|id| *id > 1).and_then(running) else { return false };
        if process.effective_uid == 0 && matches!(process.name.as_str(), "sudo" | "sudo-rs") {
            (id, has_sudo) = (process.parent, true);
            continue;
        }
        // Without a session to close, sudo becomes the command: then the parent is the caller's process. Other processes of root take over
        // whom others leave behind, too.
        return own != caller && process.real_uid == caller && (has_sudo || caller != 0);
    }
    false
}

/// Returns a process by its number; none where the system has no such list, or does not show it.
fn running(id: u32) -> Option<Running> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let mut uids = field("Uid")?.split_whitespace().map(str::parse);
    Some(Running {
        name: field("Name")?.to_owned(),
        parent: field("PPid")?.parse().ok()?,
        real_uid: uids.next()?.ok()?,
        effective_uid: uids.next()?.ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, parent: u32, uid: u32) -> Running {
        Running { name: name.to_owned(), parent, real_uid: uid, effective_uid: uid }
    }

    #[test]
    fn only_the_kernel_says_who_called_sudo() {
        // 7 is the installation's user, 1001 dora, 1002 eva.
        let processes = |id: u32| match id {
            1 => Some(process("init", 0, 0)),
            10 => Some(process("bash", 1, 1001)),
            11 => Some(process("sudo", 10, 0)),
            12 => Some(process("sudo", 11, 0)),
            20 => Some(process("bash", 1, 1002)),
            21 => Some(process("sudo", 20, 0)),
            30 => Some(process("bash", 1, 7)),
            31 => Some(process("sudo", 30, 7)),
            40 => Some(process("cron", 1, 0)),
            41 => Some(process("sudo", 1, 0)),
            50 => Some(process("bash", 1, 0)),
            51 => Some(process("sudo", 50, 0)),
            _ => None,
        };
        let behind = |caller: u32, parent: u32| is_behind_sudo(7, caller, parent, &processes);
        assert!(behind(1001, 11) && behind(1001, 12), "sudo that waits, with a terminal of its own or not");
        assert!(behind(1001, 10), "sudo that became the command");
        assert!(behind(0, 51), "root through sudo");
        assert!(!behind(1001, 21), "eva says that she is dora, through sudo");
        assert!(!behind(1001, 30), "the installation's user says that it is dora");
        assert!(!behind(1001, 31), "a program of that name is not sudo");
        assert!(!behind(0, 40) && !behind(0, 41) && !behind(0, 1), "who was left behind is nobody's");
        assert!(!behind(1001, 99), "what is not shown proves nothing");
        assert!(!is_behind_sudo(1001, 1001, 10, &processes), "who runs as oneself needs no sudo");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_as_the_kernel_says() {
        let own = running(std::process::id()).unwrap();
        assert_eq!(own.real_uid, Uid::current().as_raw());
        assert_eq!(i64::from(own.parent), i64::from(getppid().as_raw()));
    }
}

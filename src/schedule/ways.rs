//! The ways in which a project's reports leave.

use chrono::{DateTime, Utc};

use crate::{
    config::{Project, ScheduleSpec},
    deliver::{Deliver, DeliveryError, Folder, Mailer, Parcel, Webhook},
    ledger::Channel,
};

/// Finds the way for a channel.
pub trait Ways {
    /// Returns the way; a notice has no schedule.
    ///
    /// # Errors
    /// What is missing, for people.
    fn way(&self, channel: Channel, spec: Option<&ScheduleSpec>) -> Result<Box<dyn Deliver + '_>, String>;
}

/// The ways that a project declares.
pub struct ProjectWays<'a> {
    /// The project.
    pub project: &'a Project,
}

impl Ways for ProjectWays<'_> {
    fn way(&self, channel: Channel, spec: Option<&ScheduleSpec>) -> Result<Box<dyn Deliver + '_>, String> {
        match channel {
            Channel::Email => match &self.project.settings.delivery.smtp {
                Some(smtp) => Ok(Box::new(Mailer::new(smtp, &self.project.dir))),
                None => Err("relato.toml has no [delivery.smtp]".to_owned()),
            },
            Channel::Folder => Ok(Box::new(ProjectFolder { project: self.project })),
            Channel::Webhook => match spec.and_then(|spec| spec.webhook.as_ref()) {
                Some(webhook) => Ok(Box::new(Webhook::new(webhook, &self.project.dir, self.project.shared_mode()))),
                None => Err("the schedule has no webhook any more".to_owned()),
            },
        }
    }
}

/// A folder that may be named from the project's on.
struct ProjectFolder<'a> {
    project: &'a Project,
}

impl Deliver for ProjectFolder<'_> {
    fn deliver(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<String, DeliveryError> {
        let folder = self.project.dir.join(&parcel.to);
        if parcel.files.iter().any(|file| self.project.owns(&folder.join(&file.name))) {
            let message = format!("`{}` is a place of the project's own: no report is put there", folder.display());
            return Err(DeliveryError::Never(message));
        }
        let to = folder.display().to_string();
        Folder { mode: self.project.shared_mode() }.deliver(&Parcel { to, ..parcel.clone() }, now)
    }
}

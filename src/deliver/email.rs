//! Mail over SMTP: one mail for each person, so that nobody sees who else gets it.
//!
//! The conversation is held step by step, because the step at which it breaks decides: before the last line of the message the server
//! has nothing; after it, without an answer, it may have all of it.

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{Certificate, SmtpConnection, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::ClientId,
    },
};
use secrecy::ExposeSecret;

use super::{Deliver, DeliveryError, Parcel, media_type};
use crate::{
    config::{Smtp, Tls},
    render::Mail,
};

/// Sends mail through a server.
pub struct Mailer {
    smtp: Smtp,
    project_dir: PathBuf,
}

/// Bytes of the message that are handed over at a time.
const CHUNK: usize = 16 << 10;

impl Mailer {
    /// Makes a sender for the server of `smtp`; secrets are fetched for each conversation.
    pub fn new(smtp: &Smtp, project_dir: &Path) -> Mailer {
        Mailer { smtp: smtp.clone(), project_dir: project_dir.to_owned() }
    }

    fn message(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<(Address, Address, Vec<u8>), DeliveryError> {
        let never = |what: &str, error: &dyn std::fmt::Display| DeliveryError::Never(format!("{what}: {error}"));
        let from: Mailbox = self.smtp.from.parse().map_err(|error| never("sender in [delivery.smtp]", &error))?;
        let to: Address = parcel.to.parse().map_err(|error| never("recipient", &error))?;
        let builder = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(&parcel.mail.subject)
            .date(now.into())
            .message_id(Some(format!("<{}@{}>", parcel.key, from.email.domain())))
            // Out-of-office programs must not answer.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
        let html = SinglePart::html(parcel.mail.html.clone());
        let body = MultiPart::alternative().singlepart(SinglePart::plain(parcel.mail.text.clone()));
        let body = match &parcel.mail.picture {
            None => body.singlepart(html),
            Some(picture) => {
                let kind = ContentType::parse("image/png").expect("a media type");
                let inline = Attachment::new_inline_with_name(Mail::PICTURE.to_owned(), "grafico.png".to_owned());
                body.multipart(MultiPart::related().singlepart(html).singlepart(inline.body(picture.clone(), kind)))
            }
        };
        let mut mixed = MultiPart::mixed().multipart(body);
        for file in parcel.files.iter().filter(|file| file.attached) {
            // Files that went away can be made again by hand only.
            let bytes = fs::read(&file.path).map_err(|error| never(&file.path.display().to_string(), &error))?;
            let kind = ContentType::parse(media_type(&file.name)).expect("a media type");
            mixed = mixed.singlepart(Attachment::new(file.name.clone()).body(bytes, kind));
        }
        let message = builder.multipart(mixed).map_err(|error| never("mail", &error))?;
        Ok((from.email, to, message.formatted()))
    }

    fn connect(&self) -> Result<SmtpConnection, DeliveryError> {
        let smtp = &self.smtp;
        let server = format!("{}:{}", smtp.host, smtp.port);
        let again = |error: SmtpError| DeliveryError::Again(format!("{server}: {}", words(&error)));
        let name = ClientId::default();
        let tls = || -> Result<TlsParameters, DeliveryError> {
            let mut builder = TlsParameters::builder(smtp.host.clone());
            if let Some(file) = &smtp.ca_file {
                let path = self.project_dir.join(file);
                let pem = fs::read(&path).map_err(|error| DeliveryError::Again(format!("{}: {error}", path.display())))?;
                builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(again)?);
            }
            builder.build().map_err(again)
        };
        let immediate = if smtp.tls == Tls::Immediate { Some(tls()?) } else { None };
        let mut connection =
            SmtpConnection::connect((smtp.host.as_str(), smtp.port), Some(smtp.timeout), &name, immediate.as_ref(), None).map_err(again)?;
        if smtp.tls == Tls::Starttls {
            connection.starttls(&tls()?, &name).map_err(again)?;
        }
        if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
            let user = user.fetch(&self.project_dir, "user of the mail server")?;
            let password = password.fetch(&self.project_dir, "password of the mail server")?;
            let credentials = Credentials::new(user.expose_secret().to_owned(), password.expose_secret().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).map_err(again)?;
        }
        Ok(connection)
    }
}

impl Deliver for Mailer {
    fn deliver(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<String, DeliveryError> {
        if !self.smtp.allows(&parcel.to) {
            let allowed = self.smtp.allow_domains.join(", ");
            return Err(DeliveryError::Never(format!("`{}` is outside of allow_domains ({allowed})", parcel.to)));
        }
        let (from, to, message) = self.message(parcel, now)?;
        let mut connection = self.connect()?;
        let refused =
            |error: SmtpError| if error.is_permanent() { DeliveryError::Never(words(&error)) } else { DeliveryError::Again(words(&error)) };
        connection.command(MailFrom::new(Some(from), Vec::new())).map_err(refused)?;
        connection.command(Rcpt::new(to, Vec::new())).map_err(refused)?;
        connection.command(Data).map_err(refused)?;
        // The last line follows the last part at once.
        let all_written = Cell::new(false);
        let mut parts = message.chunks(CHUNK);
        let handed_over = std::iter::from_fn(|| {
            let part = parts.next();
            all_written.set(part.is_none());
            part
        });
        let answer = connection.message_iter(handed_over).map_err(|error| {
            if error.status().is_some() || !all_written.get() { refused(error) } else { DeliveryError::Unknown(words(&error)) }
        })?;
        // It has it; what comes after does not matter.
        let _ = connection.quit();
        Ok(format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")).trim().to_owned())
    }
}

/// The error with its causes.
fn words(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

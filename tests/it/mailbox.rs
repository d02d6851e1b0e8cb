//! A mail server on loopback that holds a real conversation, and does what a test tells it to at each stage of it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Where in a conversation something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Somebody connects.
    Connect,
    /// `EHLO`
    Hello,
    /// `AUTH`, with what was sent.
    Auth,
    /// `MAIL FROM`
    From,
    /// `RCPT TO`
    To,
    /// `DATA`
    Data,
    /// A part of the message is there.
    Body,
    /// The message is there whole, and was not confirmed.
    Whole,
    /// It was confirmed.
    Confirmed,
}

/// What the server does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// What a server does.
    Go,
    /// Answers this instead.
    Say(&'static str),
    /// Closes the connection.
    Drop,
    /// Says nothing until the other side gives up.
    Stall,
}

/// A message that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// To whom, by the envelope.
    pub to: String,
    /// As it came.
    pub bytes: Vec<u8>,
    /// Whether it came encrypted.
    pub is_encrypted: bool,
}

/// What happens: the stage, the recipient if it is known, the number of the conversation.
pub type Script = dyn Fn(Stage, &str, usize) -> Act + Send + Sync;

/// The server; it ends with this value.
pub struct Mailbox {
    pub port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    conversations: Arc<Mutex<usize>>,
}

/// How the server speaks.
#[derive(Default)]
pub struct Manners {
    /// Offers STARTTLS with this.
    pub tls: Option<Arc<ServerConfig>>,
    /// Wants this user and password.
    pub credentials: Option<(&'static str, &'static str)>,
}

impl Mailbox {
    /// A server that takes everything.
    pub fn open() -> Mailbox {
        Mailbox::scripted(|_, _, _| Act::Go)
    }

    pub fn scripted(script: impl Fn(Stage, &str, usize) -> Act + Send + Sync + 'static) -> Mailbox {
        Mailbox::with(Manners::default(), script)
    }

    pub fn with(manners: Manners, script: impl Fn(Stage, &str, usize) -> Act + Send + Sync + 'static) -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (taken, conversations) = (Arc::default(), Arc::default());
        let mailbox = Mailbox { port, taken: Arc::clone(&taken), conversations: Arc::clone(&conversations) };
        let (script, manners): (Arc<Script>, _) = (Arc::new(script), Arc::new(manners));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = {
                    let mut count = conversations.lock().unwrap();
                    *count += 1;
                    *count
                };
                let (script, manners, taken) = (Arc::clone(&script), Arc::clone(&manners), Arc::clone(&taken));
                thread::spawn(move || {
                    // A test that drops a connection on purpose makes the other side's words fail.
                    let _ = converse(stream, &script, number, &manners, &taken);
                });
            }
        });
        mailbox
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// Messages taken for an address.
    pub fn of(&self, to: &str) -> Vec<Taken> {
        self.taken().into_iter().filter(|taken| taken.to == to).collect()
    }

    pub fn conversations(&self) -> usize {
        *self.conversations.lock().unwrap()
    }
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

fn converse(stream: TcpStream, script: &Arc<Script>, number: usize, manners: &Manners, taken: &Mutex<Vec<Taken>>) -> std::io::Result<()> {
    let plain = stream.try_clone()?;
    let mut wire: BufReader<Box<dyn Stream>> = BufReader::new(Box::new(stream));
    let (mut to, mut is_encrypted) = (String::new(), false);
    // Returns whether the conversation goes on.
    let act = |wire: &mut BufReader<Box<dyn Stream>>, stage: Stage, to: &str, usual: &str| -> std::io::Result<bool> {
        match script(stage, to, number) {
            Act::Go => wire.get_mut().write_all(usual.as_bytes()).map(|()| true),
            Act::Say(words) => wire.get_mut().write_all(format!("{words}\r\n").as_bytes()).map(|()| true),
            Act::Drop => Ok(false),
            Act::Stall => {
                // The other side's patience ends the wait.
                let mut rest = Vec::new();
                wire.read_to_end(&mut rest)?;
                Ok(false)
            }
        }
    };
    if !act(&mut wire, Stage::Connect, "", "220 mailbox ready\r\n")? {
        return Ok(());
    }
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let upper = line.to_uppercase();
        if upper.starts_with("EHLO") {
            let offers = if manners.tls.is_some() && !is_encrypted { "250-STARTTLS\r\n" } else { "" };
            let auth = if manners.credentials.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
            if !act(&mut wire, Stage::Hello, "", &format!("250-mailbox\r\n{offers}{auth}250 8BITMIME\r\n"))? {
                return Ok(());
            }
        } else if upper.starts_with("STARTTLS") {
            let Some(config) = &manners.tls else {
                wire.get_mut().write_all(b"502 no\r\n")?;
                continue;
            };
            wire.get_mut().write_all(b"220 go\r\n")?;
            let connection = ServerConnection::new(Arc::clone(config)).expect("a TLS session");
            wire = BufReader::new(Box::new(StreamOwned::new(connection, plain.try_clone()?)));
            is_encrypted = true;
        } else if upper.starts_with("AUTH PLAIN") {
            let wanted = manners.credentials.map(|(user, password)| STANDARD.encode(format!("\0{user}\0{password}")));
            let is_right = wanted.is_some_and(|wanted| line.trim().ends_with(&wanted));
            if !act(&mut wire, Stage::Auth, "", if is_right { "235 welcome\r\n" } else { "535 unknown user or wrong password\r\n" })? {
                return Ok(());
            }
        } else if upper.starts_with("MAIL FROM") {
            if !act(&mut wire, Stage::From, "", "250 ok\r\n")? {
                return Ok(());
            }
        } else if upper.starts_with("RCPT TO") {
            line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
            if !act(&mut wire, Stage::To, &to, "250 ok\r\n")? {
                return Ok(());
            }
        } else if upper.starts_with("DATA") {
            if !act(&mut wire, Stage::Data, &to, "354 go ahead\r\n")? {
                return Ok(());
            }
            let mut bytes = Vec::new();
            let mut told = false;
            loop {
                let mut line = Vec::new();
                if wire.read_until(b'\n', &mut line)? == 0 {
                    return Ok(());
                }
                if line == b".\r\n" {
                    break;
                }
                bytes.extend(line.strip_prefix(b".").unwrap_or(&line));
                if !told && bytes.len() > 2_000 {
                    told = true;
                    match script(Stage::Body, &to, number) {
                        Act::Drop => return Ok(()),
                        Act::Stall => {
                            let mut rest = Vec::new();
                            wire.read_to_end(&mut rest)?;
                            return Ok(());
                        }
                        Act::Go | Act::Say(_) => {}
                    }
                }
            }
            // Taken is what the server keeps, whether or not its confirmation arrives.
            let keeps = |act: &Act| !matches!(act, Act::Say(words) if words.starts_with(['4', '5']));
            let decided = script(Stage::Whole, &to, number);
            if keeps(&decided) {
                taken.lock().unwrap().push(Taken { to: to.clone(), bytes, is_encrypted });
            }
            match decided {
                Act::Go => wire.get_mut().write_all(b"250 taken\r\n")?,
                Act::Say(words) => wire.get_mut().write_all(format!("{words}\r\n").as_bytes())?,
                Act::Drop => return Ok(()),
                Act::Stall => {
                    let mut rest = Vec::new();
                    wire.read_to_end(&mut rest)?;
                    return Ok(());
                }
            }
            if script(Stage::Confirmed, &to, number) == Act::Drop {
                return Ok(());
            }
        } else if upper.starts_with("QUIT") {
            wire.get_mut().write_all(b"221 bye\r\n")?;
            return Ok(());
        } else {
            wire.get_mut().write_all(b"500 what\r\n")?;
        }
    }
}

/// A message that a program was told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Headers in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Takes one HTTP request on loopback and answers it; returns the address and where the request comes out.
pub fn http_once(answer: &'static str) -> (String, mpsc::Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (told, heard) = mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut headers = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = line.trim().split_once(": ") {
                    headers.push((name.to_lowercase(), value.to_owned()));
                }
            }
            let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                let _ = told.send(Told { headers, body: String::from_utf8_lossy(&body).into_owned() });
            }
            let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
        }
    });
    (url, heard)
}

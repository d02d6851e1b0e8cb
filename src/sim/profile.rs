//! What the simulated organisation is like: queues that differ in load, speed and satisfaction, people, channels.

/// A queue of the desk.
pub struct QueueProfile {
    /// Blip's team name.
    pub name: &'static str,
    /// Share of arrivals.
    pub weight: f64,
    /// Median wait in the queue at normal load, in seconds.
    pub wait_s: f64,
    /// Median time to answer a message, in seconds.
    pub answer_s: f64,
    /// Mean satisfaction on the scale 1 to 5.
    pub score: f64,
    /// Growth of arrivals a month.
    pub growth: f64,
    /// Growth of the time to answer a month.
    pub slowdown: f64,
    /// Share of conversations that move on to another queue.
    pub transfer: f64,
}

/// The queues, in the order in which Blip lists them.
pub const QUEUES: [QueueProfile; 8] = [
    queue("Agendamento", 0.27, 150.0, 70.0, 4.35, 0.03, 0.0, 0.08),
    queue("Autorizações", 0.19, 420.0, 190.0, 3.55, 0.02, 0.045, 0.16),
    queue("Cadastro", 0.09, 200.0, 95.0, 4.2, 0.0, -0.01, 0.14),
    queue("Cobrança", 0.08, 260.0, 130.0, 3.6, 0.01, 0.0, 0.12),
    queue("Convênios", 0.15, 240.0, 110.0, 4.25, 0.01, -0.02, 0.11),
    queue("Financeiro", 0.11, 230.0, 120.0, 3.85, 0.01, 0.01, 0.1),
    queue("Ouvidoria", 0.03, 600.0, 300.0, 3.1, -0.02, 0.0, 0.06),
    queue("Suporte", 0.08, 180.0, 85.0, 4.45, 0.04, -0.03, 0.09),
];

#[expect(clippy::too_many_arguments, reason = "one row of a table of constants")]
const fn queue(
    name: &'static str,
    weight: f64,
    wait_s: f64,
    answer_s: f64,
    score: f64,
    growth: f64,
    slowdown: f64,
    transfer: f64,
) -> QueueProfile {
    QueueProfile { name, weight, wait_s, answer_s, score, growth, slowdown, transfer }
}

/// The queue of what no routing rule matched, and the share of conversations that begin there.
pub const DEFAULT_QUEUE: (&str, f64) = ("Default", 0.035);

/// Sectors by queue, as the demonstration project declares them.
pub const SECTORS: [(&str, &[&str]); 1] = [("Financeiro", &["Financeiro", "Cobrança"])];

/// A channel: domain and share of customers.
pub const CHANNELS: [(&str, f64); 5] = [
    ("wa.gw.msging.net", 0.79),
    ("0mn.io", 0.09),
    ("messenger.gw.msging.net", 0.05),
    ("telegram.gw.msging.net", 0.04),
    ("mailgun.gw.msging.net", 0.03),
];

/// Attendants: name, and positions of their queues in [`QUEUES`].
pub const ATTENDANTS: [(&str, &[usize]); 20] = [
    ("Ana Beatriz Moura", &[0]),
    ("Bruno Tavares", &[0]),
    ("Camila Prado", &[0, 2]),
    ("Daniela Antunes", &[0]),
    ("Eduardo Sá", &[0, 7]),
    ("Fernanda Colares", &[1]),
    ("Gustavo Peçanha", &[1]),
    ("Helena Brandão", &[1]),
    ("Igor Malta", &[1, 4]),
    ("Juliana Queirós", &[2]),
    ("Karina Lobo", &[3]),
    ("Leonardo Dutra", &[3, 5]),
    ("Márcia Valença", &[4]),
    ("Nathália Reis", &[4]),
    ("Otávio Simões", &[4]),
    ("Patrícia Guedes", &[5]),
    ("Rafael Arruda", &[5]),
    ("Sônia Meireles", &[6]),
    ("Tiago Fontoura", &[7]),
    ("Vanessa Coelho", &[7]),
];

/// Tags that attendants put on tickets.
pub const TAGS: [&str; 8] = ["2ª via", "boleto", "carteirinha", "exame", "guia", "reagendamento", "reclamação", "reembolso"];

/// Answers in words that the survey's flow records for each score from 1 to 5.
pub const ANSWER_WORDS: [&str; 5] = ["Péssimo", "Ruim", "Regular", "Bom", "Ótimo"];

/// The survey's event category.
pub const SURVEY_CATEGORY: &str = "Pesquisa de satisfação";

/// Answers that carry no score.
pub const OTHER_ANSWERS: [&str; 3] = ["Outro", "obrigada!", "👍"];

/// Relative load of an hour of a working day: quiet at night, a peak in the morning, a dip at lunch, a second peak.
pub const HOUR_LOAD: [f64; 24] =
    [0.02, 0.01, 0.01, 0.01, 0.02, 0.06, 0.25, 1.1, 2.6, 3.6, 3.4, 2.7, 1.5, 1.9, 2.9, 3.0, 2.6, 1.9, 1.0, 0.5, 0.35, 0.25, 0.14, 0.06];

/// Relative load of a weekday, Monday first.
pub const WEEKDAY_LOAD: [f64; 7] = [1.28, 1.1, 1.02, 1.0, 0.93, 0.3, 0.09];

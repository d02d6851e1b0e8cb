//! The days themselves, each with the law, decree or list that it was taken from.
//!
//! Laws change and decrees move single days; `READ_UNTIL` says until when they were read. What a town adds is in no table: it goes into `closed`.

use chrono::{NaiveDate, NaiveTime};

use super::{
    Off,
    Rule::{self, Between, Easter, Fixed, Friday, LastWorkday, Since, SundayFrom},
};

/// Day until which the laws and lists of this table were read.
pub const READ_UNTIL: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 30).expect("a day");

/// What a law makes a holiday.
#[derive(Debug, Clone, Copy)]
pub(super) struct Law {
    pub rule: Rule,
    pub off: Off,
    pub name: &'static str,
    pub source: &'static str,
    /// Years in which a decree had it held on another month and day.
    pub moved: &'static [(i32, u32, u32)],
}

const fn law(rule: Rule, name: &'static str, source: &'static str) -> Law {
    Law { rule, off: Off::Day, name, source, moved: &[] }
}

impl Law {
    const fn moved(self, moved: &'static [(i32, u32, u32)]) -> Law {
        Law { moved, ..self }
    }

    const fn off(self, off: Off) -> Law {
        Law { off, ..self }
    }
}

const fn at(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour")
}

/// Several public lists have the day, none leaves it out; the text of the law was not read.
const LISTS: &str = "public lists agree; text of the law not read";

const LAW_662: &str = "Lei 662/1949, Lei 10.607/2002";

const CONSCIENCE: &str = "Consciência Negra";

pub(super) const NATIONAL: [Law; 10] = [
    law(Fixed(1, 1), "Confraternização Universal", LAW_662),
    law(Easter(0, -2), "Paixão de Cristo", "Lei 9.093/1995; Portaria MGI 11.460/2025"),
    law(Fixed(4, 21), "Tiradentes", LAW_662),
    law(Fixed(5, 1), "Dia do Trabalho", LAW_662),
    law(Fixed(9, 7), "Independência do Brasil", LAW_662),
    law(Fixed(10, 12), "Nossa Senhora Aparecida", "Lei 6.802/1980"),
    law(Fixed(11, 2), "Finados", LAW_662),
    law(Fixed(11, 15), "Proclamação da República", LAW_662),
    law(Since(2024, 11, 20), CONSCIENCE, "Lei 14.759/2023"),
    law(Fixed(12, 25), "Natal", LAW_662),
];

/// Days off of the federal civil service beside the national holidays: what its lists have every year, and days that the list of one year has.
pub(super) const OPTIONAL: [Law; 12] = [
    law(Easter(0, -48), "Carnaval", FEDERAL_LIST),
    law(Easter(0, -47), "Carnaval", FEDERAL_LIST),
    law(Easter(0, -46), "Quarta-feira de Cinzas", FEDERAL_LIST).off(Off::Before(at(14))),
    law(Easter(0, 60), "Corpus Christi", FEDERAL_LIST),
    law(Between(2025, 2025, 6, 20), "Dia seguinte a Corpus Christi", "Portaria MGI of 30/12/2024"),
    law(Between(2026, 2026, 4, 20), "Véspera de Tiradentes", FEDERAL_LIST),
    law(Between(2026, 2026, 6, 5), "Dia seguinte a Corpus Christi", FEDERAL_LIST),
    law(Fixed(10, 28), "Dia do Servidor Público", FEDERAL_LIST).moved(&[(2025, 10, 27)]),
    law(Between(0, 2024, 12, 24), "Véspera de Natal", "federal lists until 2024").off(Off::From(at(14))),
    law(Since(2025, 12, 24), "Véspera de Natal", FEDERAL_LIST).off(Off::From(at(13))),
    law(Between(0, 2024, 12, 31), "Véspera de Ano-Novo", "federal lists until 2024").off(Off::From(at(14))),
    law(Since(2025, 12, 31), "Véspera de Ano-Novo", FEDERAL_LIST).off(Off::From(at(13))),
];

const FEDERAL_LIST: &str = "Portaria MGI 11.460/2025";

/// Days on which bank branches are closed beside the national holidays. The hours of 24 December are those where the clock is Brasília's.
pub(super) const BANKS: [Law; 6] = [
    law(Easter(0, -48), "Carnaval", BANKS_RULE),
    law(Easter(0, -47), "Carnaval", BANKS_RULE),
    law(Easter(0, -46), "Quarta-feira de Cinzas", "Resolução CMN 4.880/2020, art. 2; Febraban's notices").off(Off::Before(at(12))),
    law(Easter(0, 60), "Corpus Christi", "Febraban's notices"),
    law(Fixed(12, 24), "Véspera de Natal", "Resolução CMN 4.880/2020, art. 2; Febraban's notices").off(Off::From(at(11))),
    law(LastWorkday, "Último dia útil do ano", "Febraban's notices"),
];

const BANKS_RULE: &str = "Resolução CMN 4.880/2020, art. 6";

/// Holidays by state law, beside the national ones; optional days off of a state's civil service are none.
pub(super) const STATES: [(&str, &[Law]); 27] = [
    ("AC", &AC),
    ("AL", &AL),
    ("AM", &AM),
    ("AP", &AP),
    ("BA", &[law(Fixed(7, 2), "Independência da Bahia", LISTS)]),
    ("CE", &[law(Since(2012, 3, 25), "Data Magna do Ceará", "constitutional amendment of 06/12/2011, state's lists 2024-2026")]),
    ("DF", &[law(Fixed(11, 30), "Dia do Evangélico", "Lei 963/1995")]),
    ("ES", &[law(Easter(2020, 8), "Nossa Senhora da Penha", "Lei 11.010/2019")]),
    ("GO", &GO),
    ("MA", &[law(Fixed(7, 28), "Adesão do Maranhão à Independência", LISTS).moved(&[(2021, 3, 26)])]),
    ("MG", &[]),
    ("MS", &[law(Fixed(10, 11), "Criação do Estado", LISTS)]),
    ("MT", &[law(Fixed(11, 20), CONSCIENCE, LISTS)]),
    ("PA", &[law(Fixed(8, 15), "Adesão do Pará à Independência", LISTS)]),
    ("PB", &PB),
    ("PE", &[law(Since(2018, 3, 6), "Revolução Pernambucana", "Lei 16.059/2017")]),
    ("PI", &[law(Fixed(10, 19), "Dia do Piauí", "state's lists 2023 and 2026")]),
    ("PR", &[]),
    ("RJ", &RJ),
    ("RN", &[law(Fixed(10, 3), "Mártires de Cunhaú e Uruaçu", "state's list 2025")]),
    ("RO", &RO),
    ("RR", &[law(Fixed(10, 5), "Criação do Estado", LISTS)]),
    ("RS", &[law(Fixed(9, 20), "Revolução Farroupilha", LISTS)]),
    ("SC", &[law(SundayFrom(8, 11), "Criação da Capitania de Santa Catarina", "Lei 17.335/2017, state's lists 2017 and 2022")]),
    ("SE", &[law(Fixed(7, 8), "Emancipação Política de Sergipe", LISTS)]),
    ("SP", &SP),
    ("TO", &TO),
];

const AC: [Law; 6] = [
    law(Friday(2017, 1, 20), "Dia do Católico", "Lei 3.137/2016, state's list 2026"),
    law(Friday(0, 1, 23), "Dia do Evangélico", AC_MOVES),
    law(Friday(0, 3, 8), "Dia Internacional da Mulher", AC_MOVES),
    law(Fixed(6, 15), "Aniversário do Acre", "Lei 2.126/2009: never moved"),
    law(Friday(0, 9, 5), "Dia da Amazônia", AC_MOVES),
    law(Friday(0, 11, 17), "Tratado de Petrópolis", AC_MOVES).moved(&[(2021, 11, 16)]),
];

const AC_MOVES: &str = "Lei 2.126/2009";

const AL: [Law; 5] = [
    law(Fixed(6, 24), "São João", AL_LIST),
    law(Fixed(6, 29), "São Pedro", AL_LIST),
    law(Fixed(9, 16), "Emancipação Política de Alagoas", AL_LIST),
    law(Fixed(11, 20), CONSCIENCE, AL_LIST),
    law(Fixed(11, 30), "Dia do Evangélico", AL_LIST),
];

const AL_LIST: &str = "Decreto 106.093 (2026)";

const AM: [Law; 2] =
    [law(Fixed(9, 5), "Elevação do Amazonas a Província", LISTS).moved(&[(2023, 9, 8)]), law(Fixed(11, 20), CONSCIENCE, LISTS)];

const AP: [Law; 4] = [
    law(Fixed(3, 19), "São José", LISTS),
    law(Between(2012, 2018, 7, 25), "São Tiago", "until STF, ADI 4820, 20/09/2018"),
    law(Fixed(9, 13), "Criação do Território", LISTS),
    law(Fixed(11, 20), CONSCIENCE, LISTS),
];

/// Whether the state's law makes them holidays is not proven; its civil service keeps both.
const GO: [Law; 2] = [
    law(Fixed(7, 26), "Fundação da Cidade de Goiás", "Lei 20.756/2020 (civil service)"),
    law(Fixed(10, 24), "Aniversário de Goiânia", "Lei 20.756/2020 (civil service)"),
];

const PB: [Law; 2] =
    [law(Between(1968, 2015, 7, 26), "Memória de João Pessoa", "until Lei 10.601/2015"), law(Fixed(8, 5), "Fundação da Paraíba", LISTS)];

const RJ: [Law; 3] = [
    law(Easter(0, -47), "Carnaval", "Lei 5.243/2008"),
    law(Fixed(4, 23), "São Jorge", "Lei 5.198/2008, upheld by STF, ADI 4092, 2023"),
    law(Fixed(11, 20), CONSCIENCE, LISTS),
];

const RO: [Law; 2] = [
    law(Fixed(1, 4), "Criação do Estado", "state's list 2026").moved(&[(2018, 1, 2)]),
    law(Between(2002, 2019, 6, 18), "Dia do Evangélico", "until STF, ADI 3940, 30/03/2020, and Decreto 25.129/2020"),
];

const SP: [Law; 2] = [
    law(Fixed(7, 9), "Revolução Constitucionalista", LISTS).moved(&[(2020, 5, 25)]),
    law(Since(2023, 11, 20), CONSCIENCE, "state law of September 2023"),
];

const TO: [Law; 4] = [
    law(Between(1998, 2008, 3, 18), "Dia da Autonomia", "Lei 960/1998, until Lei 2.013/2009"),
    law(Since(2025, 8, 15), "Senhor do Bonfim", "Lei 4.509/2024"),
    law(Fixed(9, 8), "Nossa Senhora da Natividade", LISTS),
    law(Fixed(10, 5), "Criação do Estado", LISTS),
];

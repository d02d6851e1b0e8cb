//! The scale of a survey, and which parts of a report definition are of one scale alone.
//!
//! A definition names the columns of both scales, and each project sees its own: a share of satisfied customers does not exist from 0 to 10, and
//! there is no NPS from 1 to 5.

use serde::Deserialize;

use super::report::{BlockSpec, ContentSpec, ReportSpec};

/// A scale of satisfaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Scale {
    /// Scores of 1 to 5, with a share of satisfied customers.
    #[serde(rename = "1-5")]
    Csat,
    /// Scores of 0 to 10, with an NPS.
    #[serde(rename = "0-10")]
    Nps,
}

/// Columns that have values on one scale only.
const OF_CSAT: [&str; 8] = ["csat_share", "csat_low", "csat_high", "score_1", "score_2", "score_3", "score_4", "score_5"];
const OF_NPS: [&str; 6] = ["nps", "nps_low", "nps_high", "promoters", "passives", "detractors"];

impl Scale {
    /// Returns the scale with these lowest and highest scores.
    pub fn of((lowest, _): (i64, i64)) -> Scale {
        if lowest == 0 { Scale::Nps } else { Scale::Csat }
    }

    fn has(self, column: &str) -> bool {
        match self {
            Scale::Csat => !OF_NPS.contains(&column),
            Scale::Nps => !OF_CSAT.contains(&column),
        }
    }

    /// Returns a part without columns of the other scale; none where it is for that one, or nothing is left.
    fn cut(self, block: &BlockSpec) -> Option<BlockSpec> {
        let mut block = block.clone();
        let is_left = match &mut block.content {
            ContentSpec::Kpis { figures, .. } => {
                figures.retain(|figure| self.has(&figure.column));
                !figures.is_empty()
            }
            ContentSpec::Chart { form, series, .. } => {
                series.retain(|column| self.has(column));
                series.len() >= form.series().0
            }
            ContentSpec::HeatMap { value, .. } => self.has(value),
            ContentSpec::Table(table) => {
                let named = table.columns.len();
                table.columns.retain(|column| self.has(column));
                table.bars.retain(|column| self.has(column));
                table.sort = table.sort.take().filter(|sort| self.has(&sort.column));
                table.spark = table.spark.take().filter(|spark| self.has(&spark.value));
                named == 0 || !table.columns.is_empty()
            }
            ContentSpec::Findings | ContentSpec::Text { .. } | ContentSpec::Parity | ContentSpec::Notes | ContentSpec::Glossary => true,
        };
        (is_left && block.scale.is_none_or(|scale| scale == self)).then_some(block)
    }
}

impl ReportSpec {
    /// Returns the definition as a project with surveys on `scale` sees it.
    #[must_use]
    pub fn on_scale(&self, scale: Scale) -> ReportSpec {
        let cut = |blocks: &[BlockSpec]| blocks.iter().filter_map(|block| scale.cut(block)).collect();
        ReportSpec { blocks: cut(&self.blocks), details: cut(&self.details), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;

    fn on(scale: Scale, block: &str) -> Vec<String> {
        let text = format!("title = \"T\"\naudience = \"A\"\n[[block]]\nid = \"x\"\ntitle = \"X\"\nquery = \"q\"\n{block}\n");
        let spec = ReportSpec::parse("r", Path::new("reports/r.toml"), &Arc::from(text.as_str())).expect("a definition").on_scale(scale);
        spec.blocks.iter().flat_map(|block| block.content.columns()).cloned().collect()
    }

    #[test]
    fn each_scale_has_its_own_columns() {
        let table = "kind = \"table\"\ncolumns = [\"sector\", \"score_5\", \"csat_share\", \"promoters\", \"nps\", \"csat_mean\"]";
        assert_eq!(on(Scale::Csat, table), ["sector", "score_5", "csat_share", "csat_mean"]);
        assert_eq!(on(Scale::Nps, table), ["sector", "promoters", "nps", "csat_mean"]);
        let kpis = "kind = \"kpis\"\nfigures = [{ column = \"csat_share\" }, { column = \"nps\" }]";
        assert_eq!((on(Scale::Csat, kpis), on(Scale::Nps, kpis)), (vec!["csat_share".to_owned()], vec!["nps".to_owned()]));
    }

    #[test]
    fn a_part_without_anything_of_the_scale_is_left_out() {
        let line = "kind = \"chart\"\nform = \"line\"\ncategory = \"day\"\nseries = [\"csat_share\"]";
        assert_eq!((on(Scale::Csat, line).len(), on(Scale::Nps, line).len()), (2, 0));
        let own = "kind = \"table\"\ncolumns = [\"a\"]\nscale = \"0-10\"";
        assert_eq!((on(Scale::Csat, own).len(), on(Scale::Nps, own).len()), (0, 1));
    }
}

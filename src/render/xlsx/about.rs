//! The last sheet: where the figures come from, how complete they are and what they mean.

use rust_xlsxwriter::{RowNum, XlsxError};

use super::{Book, formats};
use crate::{domain::report_data::CompletenessState, render::content_sha256};

impl Book<'_> {
    pub(super) fn about_sheet(&mut self, name: &str) -> Result<(), XlsxError> {
        let (data, locale) = (self.data, self.locale);
        let sheet = self.workbook.add_worksheet().set_name(name)?;
        sheet.set_column_width(0, 34)?;
        sheet.set_column_width(1, 110)?;
        sheet.set_screen_gridlines(false);
        sheet.write_string_with_format(0, 0, locale.text("about-title"), &formats::title())?;
        let complete = &data.completeness;
        let mut facts: Vec<(String, String)> = vec![
            (locale.text("about-organization"), data.organization.clone()),
            (
                locale.text("about-period"),
                format!("{} ({} – {})", data.period_label, locale.date(data.period.start), locale.date(data.period.last_day())),
            ),
            (locale.text("about-compared"), data.previous_label.clone()),
            (locale.text("about-timezone"), data.timezone.clone()),
            (locale.text("about-sector"), data.sector.clone().unwrap_or_else(|| locale.text("about-all-sectors"))),
            (locale.text("about-snapshot"), data.snapshot.id.clone()),
            (locale.text("about-published"), locale.time(data.snapshot.published_local)),
            (locale.text("about-content"), content_sha256(data)),
            (
                locale.text("about-loaded-until"),
                data.snapshot.loaded_until_local.map_or_else(|| locale.text("no-data"), |time| locale.time(time)),
            ),
        ];
        let document = &data.document;
        let labelled = [
            ("pdf-code", &document.code),
            ("pdf-revision", &document.revision),
            ("pdf-prepared", &document.prepared_by),
            ("pdf-approved", &document.approved_by),
        ];
        facts.extend(labelled.into_iter().filter_map(|(key, value)| Some((locale.text(key), value.clone()?))));
        let mut row: RowNum = 2;
        let mut fact = |row: RowNum, name: &str, value: &str, is_warning: bool| -> Result<(), XlsxError> {
            let format = if is_warning { formats::caution() } else { formats::text() };
            sheet.write_string_with_format(row, 0, name, &formats::name())?;
            sheet.write_string_with_format(row, 1, value, &format)?;
            Ok(())
        };
        for (name, value) in &facts {
            fact(row, name, value, false)?;
            row += 1;
        }
        row += 1;
        fact(row, &locale.text("about-completeness"), &complete.sentence, complete.state != CompletenessState::Closed)?;
        let days = locale
            .text_with("about-value", &[("value", &locale.count(complete.days_loaded)), ("total", &locale.count(complete.days_expected))]);
        let count_or_none = |count: Option<i64>| count.map_or_else(|| "—".to_owned(), |count| locale.count(count));
        let counts = [
            ("about-days", days),
            ("about-stored", locale.count(complete.tickets_stored)),
            ("about-closed_reported", count_or_none(complete.closed_reported)),
            ("about-closed_stored", count_or_none(complete.closed_stored)),
            ("about-open", locale.count(complete.tickets_open)),
            ("about-quarantined", locale.count(complete.quarantined)),
        ];
        for (key, value) in counts {
            row += 1;
            fact(row, &locale.text(key), &value, false)?;
        }
        row += 2;
        for note in &data.notes {
            fact(row, &locale.text("about-notes"), note, false)?;
            row += 1;
        }
        row += 1;
        for definition in &data.definitions {
            fact(row, &format!("{} ({})", definition.name, definition.metric), &definition.text, false)?;
            row += 1;
        }
        row += 1;
        for query in &data.queries {
            fact(row, &format!("{}: {}", locale.text("about-queries"), query.name), &query.sha256, false)?;
            row += 1;
        }
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        Ok(())
    }
}

//! Functions that questions may use: those that compute from their arguments alone.
//!
//! What is not named here is refused: functions that read files, settings, the environment or the catalogue, that run text as SQL, wait,
//! write logs or draw on sequences, and whatever a later version of the engine adds.

/// Names in lower case, sorted.
const SCALARS_AND_AGGREGATES: &str = "
abs acos acosh add age any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_min arg_min_null
argmax argmin array_agg array_append array_contains array_distinct array_extract array_filter array_has array_has_all array_has_any
array_intersect array_length array_position array_slice array_sort array_to_string array_transform array_unique ascii asin asinh atan atan2
atanh avg bit_and bit_count bit_or bit_xor bool_and bool_or cardinality cbrt ceil ceiling century char_length character_length chr coalesce
concat concat_ws contains corr cos cosh cot count count_if count_star countif covar_pop covar_samp cume_dist damerau_levenshtein date_add
date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade
degrees dense_rank divide element_at ends_with entropy epoch epoch_ms era even exp favg fdiv fill first first_value flatten floor fmod
format format_bytes fsum geomean geometric_mean greatest group_concat grouping grouping_id hash histogram hour if ifnull instr isfinite
isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity json_array json_array_length json_contains json_exists
json_extract json_extract_path json_extract_path_text json_extract_string json_keys json_object json_type json_valid json_value julian
kahan_sum kurtosis kurtosis_pop lag last last_day last_value lcase lead least left len length levenshtein like_escape list
list_aggregate list_any_value list_append list_apply list_avg list_concat list_contains list_count list_distinct list_element list_extract
list_filter list_first list_has list_has_all list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode
list_position list_product list_reduce list_reverse list_reverse_sort list_select list_slice list_sort list_sum list_transform list_unique
list_value list_where list_zip listagg ln log log10 log2 lower lpad ltrim mad make_date make_time make_timestamp map map_contains
map_entries map_extract map_from_entries map_keys map_values max max_by md5 mean median microsecond millennium millisecond min min_by
minute mismatches mod mode month monthname multiply nfc_normalize not_ilike_escape not_like_escape ilike_escape nth_value ntile nullif
octet_length ord percent_rank pi position pow power prefix printf product quantile quantile_cont quantile_disc quarter radians random
rank rank_dense regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array
regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy replace reservoir_quantile reverse right
round round_even row row_number rpad rtrim second sem sha1 sha256 sign signbit sin sinh skewness split split_part sqrt starts_with stddev
stddev_pop stddev_samp str_split strftime string_agg string_split string_split_regex string_to_array strip_accents strlen strpos strptime
struct_extract struct_extract_at struct_pack substr substring subtract suffix sum sum_no_overflow sumkahan tan tanh time_bucket
to_days to_hours to_json to_microseconds to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years
translate trim trunc try_strptime typeof ucase unicode unnest upper var_pop var_samp variance week weekday weekofyear weighted_avg wavg xor
year yearweek";

/// Functions that questions may use in place of a table.
const TABLES: [&str; 3] = ["generate_series", "range", "unnest"];

/// Returns whether a question may call `name`; operators are functions whose names have no letters.
pub fn is_function(name: &str) -> bool {
    let is_operator = !name.is_empty() && name.chars().all(|char| char.is_ascii_punctuation() && char != '_');
    is_operator || names().any(|known| known == name)
}

/// Returns whether a question may use `name` in place of a table.
pub fn is_table_function(name: &str) -> bool {
    TABLES.contains(&name)
}

/// Returns every function by name, for those who write questions.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCALARS_AND_AGGREGATES.split_whitespace()
}

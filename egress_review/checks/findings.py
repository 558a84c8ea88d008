"""The finding codes, and what each does to an output.

A code never changes its meaning. Each has a sentence in `words/en/findings.toml` and
`words/ko/findings.toml` and a paragraph in `docs/reference/findings.md`; tests prove that none is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Verdict(StrEnum):
    """What the checks say, from best to worst."""

    PASS = "pass"  # noqa: S105 - a verdict
    REVIEW = "review"
    NOT_PROVEN = "not_proven"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Its place in the order; the worst of several decides."""
        return _ORDER.index(self)


_ORDER = (Verdict.PASS, Verdict.REVIEW, Verdict.NOT_PROVEN, Verdict.BLOCK)


class FindingCode(StrEnum):
    """One code for one thing that a check can say."""

    # the check itself
    ANSWER_UNREADABLE = "answer_unreadable"
    CHECKER_CRASHED = "checker_crashed"
    CHECKER_UNAVAILABLE = "checker_unavailable"
    MEMORY_LIMIT = "memory_limit"
    RECOMPUTED = "recomputed"
    TIME_LIMIT = "time_limit"

    # the file
    BINARY_IN_TEXT = "binary_in_text"
    EMPTY_FILE = "empty_file"
    EXTENSION_MISMATCH = "extension_mismatch"
    FILE_TOO_LARGE_TO_CHECK = "file_too_large_to_check"
    HIDDEN_CHARACTERS = "hidden_characters"
    HIDDEN_DATA = "hidden_data"
    NOT_UTF8 = "not_utf8"
    NO_PROOF_FOR_TYPE = "no_proof_for_type"
    TYPE_NOT_ALLOWED = "type_not_allowed"

    # the table as written
    CSV_UNREADABLE = "csv_unreadable"
    FILE_MAY_CARRY_MORE = "file_may_carry_more"
    FILE_NOT_CANONICAL = "file_not_canonical"
    FORM_NOT_CANONICAL = "form_not_canonical"
    MARGIN_AMBIGUOUS = "margin_ambiguous"
    TOO_MANY_CELLS = "too_many_cells"

    # the claim and the data it names
    CLAIM_HASH_DIFFERS = "claim_hash_differs"
    CLAIM_UNREADABLE = "claim_unreadable"
    DATASET_NOT_GRANTED = "dataset_not_granted"
    DATASET_UNREADABLE = "dataset_unreadable"
    NO_CLAIM = "no_claim"

    # the query
    AGGREGATE_NOT_PROVABLE = "aggregate_not_provable"
    COLUMN_NOT_GROUPED = "column_not_grouped"
    COLUMN_UNKNOWN = "column_unknown"
    EXPRESSION_IN_MEASURE = "expression_in_measure"
    FILE_OR_NETWORK = "file_or_network"
    FUNCTION_NOT_ALLOWED = "function_not_allowed"
    IDENTIFIER_IN_FILTER = "identifier_in_filter"
    IDENTIFIER_IN_OUTPUT = "identifier_in_output"
    JOIN_ACROSS_PERSONS = "join_across_persons"
    MEASURE_NOT_PROVABLE = "measure_not_provable"
    NAME_LOOKS_ALIKE = "name_looks_alike"
    NOT_DETERMINISTIC = "not_deterministic"
    NO_AGGREGATE = "no_aggregate"
    NO_NUMBER = "no_number"
    QUERY_FAILED = "query_failed"
    SQL_NOT_SUPPORTED = "sql_not_supported"
    SQL_TOO_LARGE = "sql_too_large"
    SQL_UNREADABLE = "sql_unreadable"
    SUBQUERY_HIDDEN = "subquery_hidden"
    TABLE_NOT_GRANTED = "table_not_granted"
    TABLE_UNKNOWN = "table_unknown"
    TEXT_FROM_QUERY = "text_from_query"
    UNIT_LOST = "unit_lost"
    WINDOW_FUNCTION = "window_function"

    # the comparison
    HEADER_DIFFERS = "header_differs"
    HEADER_LONG = "header_long"
    HEADER_SAYS_MORE = "header_says_more"
    LAST_DIGITS_DIFFER = "last_digits_differ"
    MARKS_DIFFER = "marks_differ"
    NULL_GROUPS_MISSING = "null_groups_missing"
    ROUNDING_NOT_DONE = "rounding_not_done"
    ROW_DUPLICATE = "row_duplicate"
    ROW_EXTRA = "row_extra"
    ROW_MISSING = "row_missing"
    ROW_ORDER_DIFFERS = "row_order_differs"
    SUPPRESSED_CELLS = "suppressed_cells"
    SUPPRESSED_NEEDED = "suppressed_needed"
    SUPPRESSED_SHOWS_NUMBER = "suppressed_shows_number"
    VALUE_DIFFERS = "value_differs"

    # disclosure control
    COMPLEMENT_SMALL = "complement_small"
    DEGREES_OF_FREEDOM = "degrees_of_freedom"
    DIFFERENCE_SMALL = "difference_small"
    DOMINANCE_NK = "dominance_nk"
    DOMINANCE_NOT_CHECKED = "dominance_not_checked"
    FILTER_NOT_COMPARED = "filter_not_compared"
    INSTITUTION_DOMINANCE = "institution_dominance"
    LEFT_OUT_SMALL = "left_out_small"
    MISSING_VALUES = "missing_values"
    NEGATIVE_VALUES = "negative_values"
    NOT_ROUNDED = "not_rounded"
    PERCENTAGE_WITHOUT_DENOMINATOR = "percentage_without_denominator"
    P_PERCENT = "p_percent"
    QUANTILE_SUPPORT = "quantile_support"
    SAME_VALUE = "same_value"
    SINGLE_PERSON_STATISTIC = "single_person_statistic"
    THRESHOLD = "threshold"
    ZERO_DISCLOSIVE = "zero_disclosive"

    # differencing
    DIFFERENCING = "differencing"
    DIFFERENCING_NOT_RUN = "differencing_not_run"
    DIFFERENCING_OTHER_MEASURE = "differencing_other_measure"
    DIFFERENCING_OVER_BUDGET = "differencing_over_budget"
    DIFFERENCING_ROUNDED = "differencing_rounded"
    DIFFERENCING_ROWS = "differencing_rows"
    DIFFERENCING_SAME_PERSONS = "differencing_same_persons"

    # attack on hidden cells
    ATTACK_NOT_COVERED = "attack_not_covered"
    ATTACK_OVER_BUDGET = "attack_over_budget"
    ATTACK_TOO_MANY_CELLS = "attack_too_many_cells"
    ATTACK_TOO_MANY_MARGINS = "attack_too_many_margins"
    ATTACK_TOO_MANY_TABLES = "attack_too_many_tables"
    CELL_RECOVERABLE = "cell_recoverable"
    CELL_RECOVERABLE_BY_PERSON = "cell_recoverable_by_person"
    INTERVAL_NARROW = "interval_narrow"
    INTERVAL_NARROW_REVIEW = "interval_narrow_review"

    # models
    COLUMN_CHOOSES = "column_chooses"
    GROUP_BEHIND_TERM_SMALL = "group_behind_term_small"
    LEVERAGE_HIGH = "leverage_high"
    LEVERAGE_ONE = "leverage_one"
    MODEL_DEGREES_OF_FREEDOM = "model_degrees_of_freedom"
    MODEL_NOT_FITTED = "model_not_fitted"
    MODEL_SATURATED = "model_saturated"
    SEPARATION = "separation"
    SEPARATION_NOT_CHECKED = "separation_not_checked"
    SURVIVAL_STEP_SMALL = "survival_step_small"
    SURVIVAL_TIMES_SINGLE = "survival_times_single"


_BLOCK = frozenset(
    {
        FindingCode.BINARY_IN_TEXT,
        FindingCode.CELL_RECOVERABLE,
        FindingCode.CELL_RECOVERABLE_BY_PERSON,
        FindingCode.DATASET_NOT_GRANTED,
        FindingCode.DIFFERENCING,
        FindingCode.DIFFERENCING_SAME_PERSONS,
        FindingCode.DEGREES_OF_FREEDOM,
        FindingCode.DOMINANCE_NK,
        FindingCode.EMPTY_FILE,
        FindingCode.EXTENSION_MISMATCH,
        FindingCode.FILE_OR_NETWORK,
        FindingCode.GROUP_BEHIND_TERM_SMALL,
        FindingCode.HEADER_DIFFERS,
        FindingCode.HIDDEN_DATA,
        FindingCode.IDENTIFIER_IN_OUTPUT,
        FindingCode.INTERVAL_NARROW,
        FindingCode.LEVERAGE_ONE,
        FindingCode.MODEL_DEGREES_OF_FREEDOM,
        FindingCode.NAME_LOOKS_ALIKE,
        FindingCode.NOT_ROUNDED,
        FindingCode.NOT_UTF8,
        FindingCode.NO_AGGREGATE,
        FindingCode.P_PERCENT,
        FindingCode.QUANTILE_SUPPORT,
        FindingCode.ROUNDING_NOT_DONE,
        FindingCode.ROW_DUPLICATE,
        FindingCode.ROW_EXTRA,
        FindingCode.ROW_MISSING,
        FindingCode.SEPARATION,
        FindingCode.SINGLE_PERSON_STATISTIC,
        FindingCode.SUPPRESSED_SHOWS_NUMBER,
        FindingCode.SURVIVAL_STEP_SMALL,
        FindingCode.SURVIVAL_TIMES_SINGLE,
        FindingCode.TABLE_NOT_GRANTED,
        FindingCode.THRESHOLD,
        FindingCode.TYPE_NOT_ALLOWED,
        FindingCode.VALUE_DIFFERS,
    }
)
_REVIEW = frozenset(
    {
        FindingCode.CLAIM_HASH_DIFFERS,
        FindingCode.COMPLEMENT_SMALL,
        FindingCode.DIFFERENCE_SMALL,
        FindingCode.DIFFERENCING_OTHER_MEASURE,
        FindingCode.DIFFERENCING_ROUNDED,
        FindingCode.DIFFERENCING_ROWS,
        FindingCode.DOMINANCE_NOT_CHECKED,
        FindingCode.EXPRESSION_IN_MEASURE,
        FindingCode.FILE_MAY_CARRY_MORE,
        FindingCode.FILTER_NOT_COMPARED,
        FindingCode.HEADER_LONG,
        FindingCode.HEADER_SAYS_MORE,
        FindingCode.INSTITUTION_DOMINANCE,
        FindingCode.INTERVAL_NARROW_REVIEW,
        FindingCode.JOIN_ACROSS_PERSONS,
        FindingCode.LAST_DIGITS_DIFFER,
        FindingCode.LEFT_OUT_SMALL,
        FindingCode.LEVERAGE_HIGH,
        FindingCode.MARKS_DIFFER,
        FindingCode.MISSING_VALUES,
        FindingCode.MODEL_SATURATED,
        FindingCode.NEGATIVE_VALUES,
        FindingCode.NULL_GROUPS_MISSING,
        FindingCode.PERCENTAGE_WITHOUT_DENOMINATOR,
        FindingCode.ROW_ORDER_DIFFERS,
        FindingCode.SAME_VALUE,
        FindingCode.SUPPRESSED_CELLS,
        FindingCode.TEXT_FROM_QUERY,
        FindingCode.ZERO_DISCLOSIVE,
    }
)


def _verdict(code: FindingCode) -> Verdict:
    if code in {FindingCode.RECOMPUTED, FindingCode.SUPPRESSED_NEEDED}:
        return Verdict.PASS
    if code in _BLOCK:
        return Verdict.BLOCK
    return Verdict.REVIEW if code in _REVIEW else Verdict.NOT_PROVEN


VERDICTS: Mapping[FindingCode, Verdict] = {code: _verdict(code) for code in FindingCode}
"""What each finding does. What is not listed as something else is *not proven*: a new code cannot pass."""

ATTACK_UNPROVEN = frozenset(
    {
        FindingCode.ATTACK_NOT_COVERED,
        FindingCode.ATTACK_OVER_BUDGET,
        FindingCode.ATTACK_TOO_MANY_CELLS,
        FindingCode.ATTACK_TOO_MANY_MARGINS,
        FindingCode.ATTACK_TOO_MANY_TABLES,
    }
)
"""Why an attack on hidden numbers proved nothing."""


def unproven_code(stopped: FindingCode) -> FindingCode:
    """What is said of an attack that something stopped; of other causes that there was no answer in time."""
    return stopped if stopped in ATTACK_UNPROVEN else FindingCode.ATTACK_OVER_BUDGET

"""All cases of code identity, in one list."""

from __future__ import annotations

import sys

from tests.lineage.code_cases_classes import CLASSES, SUBCLASSES
from tests.lineage.code_cases_functions import FUNCTIONS
from tests.lineage.code_cases_libraries import ESTIMATORS, PYDANTIC, STATEMENTS_3_12, TYPES
from tests.lineage.code_cases_names import NAMES
from tests.lineage.code_cases_others import OTHERS
from tests.lineage.code_cases_syntax import SCOPES, SYNTAX
from tests.lineage.code_cases_values import VALUES

CASES = [*SYNTAX, *SCOPES, *NAMES, *FUNCTIONS, *CLASSES, *VALUES, *ESTIMATORS, *OTHERS, *PYDANTIC, *TYPES, *SUBCLASSES]
if sys.version_info >= (3, 12):
    CASES += STATEMENTS_3_12

"""Notebooks of 5 MB, and how a page opens and saves one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx

from hub.tour.visitor import Visitor

__all__ = ["COPY", "FIGURES", "TABLES", "open_notebook", "save_notebook", "with_figures"]

_FIGURE = "application/vnd.onggi.figure.v1+json"

# Half text, half tables, as pandas writes them.
TABLES = """
import json, random
import pandas as pd
cells = []
for number in range(84):
    words = ' '.join(random.choice(['mean', 'count', 'person', 'visit', '12.5', '403']) for _ in range(4500))
    table = pd.DataFrame({'person': range(330), 'value': [random.random() for _ in range(330)],
                          'square': [i * i for i in range(330)]}).to_html(notebook=True)
    cells.append({'cell_type': 'code', 'id': f'c{number}', 'metadata': {}, 'source': f'run({number})',
                  'execution_count': number, 'outputs': [
        {'output_type': 'stream', 'name': 'stdout', 'text': words},
        {'output_type': 'display_data', 'metadata': {},
         'data': {'text/plain': 'table', 'text/html': table}}]})
with open('FOLDER' + 'NAME', 'w') as file:
    json.dump({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': cells}, file)
"""
# What an analysis looks like: a printed line, a figure and a table of 60 rows, 40 times; 85 of 100 bytes are
# figures.
FIGURES = """
import base64, io, json
import numpy as np, pandas as pd
import matplotlib; matplotlib.use('Agg')
import matplotlib.pyplot as plt
rng = np.random.default_rng(3)
def draw(number, axes):
    match number % 4:
        case 0: axes.scatter(rng.normal(size=2000), rng.normal(size=2000), c=rng.random(2000), s=8, alpha=.5)
        case 1: axes.hist(rng.normal(size=5000), bins=60)
        case 2: axes.plot(np.cumsum(rng.normal(size=(300, 6)), axis=0))
        case 3: axes.imshow(rng.random((60, 90)))
def figure(number):
    drawn, axes = plt.subplots(figsize=(10, 6) if number % 4 == 0 else (7, 4.5))
    draw(number, axes)
    file = io.BytesIO()
    drawn.savefig(file, format='png', bbox_inches='tight', dpi=100)
    plt.close(drawn)
    return base64.b64encode(file.getvalue()).decode()
cells = []
for number in range(40):
    table = pd.DataFrame(rng.normal(size=(60, 8)), columns=[f'var{i}' for i in range(8)])
    cells.append({'cell_type': 'markdown', 'id': f'm{number}', 'metadata': {}, 'source': f'Step {number}'})
    cells.append({'cell_type': 'code', 'id': f'c{number}', 'metadata': {}, 'source': f'fit({number})',
                  'execution_count': number, 'outputs': [
        {'output_type': 'stream', 'name': 'stdout', 'text': f'step {number}'},
        {'output_type': 'display_data', 'metadata': {},
         'data': {'text/plain': '<Figure>', 'image/png': figure(number)}},
        {'output_type': 'execute_result', 'metadata': {}, 'execution_count': number,
         'data': {'text/plain': table.to_string(max_rows=10), 'text/html': table.to_html(notebook=True)}}]})
with open('FOLDER' + 'figures.ipynb', 'w') as file:
    json.dump({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': cells}, file)
"""
COPY = """
import json
with open('FOLDER' + 'figures.ipynb') as file:
    notebook = json.load(file)
for number, cell in enumerate(notebook['cells']):
    cell['id'] = f'NAME'.partition('.')[0] + str(number)
    cell['source'] = f'NAME {number}'
    for output in cell.get('outputs', ()):
        if 'text' in output:
            output['text'] = f'NAME {number}'
        if 'text/html' in output.get('data', {}):
            output['data']['text/html'] = ''.join(output['data']['text/html']).replace('<td>', '<td>NAME ', 1)
with open('FOLDER' + 'NAME', 'w') as file:
    json.dump(notebook, file)
"""


def open_notebook(visitor: Visitor, base: str, file: str) -> httpx.Response:
    """As JupyterLab asks for it.

    Args:
        base: address of the server, with a slash at its end.
    """
    answer = visitor.web.get(
        f"{base}api/contents/{file}?content=1&type=notebook", headers={"Referer": f"{base}lab"}, timeout=60
    )
    figures = answer.text.count(_FIGURE)  # each stands for some 100 kB
    if not answer.is_success or len(answer.content) + 100_000 * figures < 4_000_000:
        raise ValueError(f"{answer.status_code}, {len(answer.content)} bytes: {answer.text[:200]}")
    return answer


def with_figures(visitor: Visitor, base: str, content: Any) -> int:
    """Put every figure that a session names into the notebook, as it is drawn; how many there were."""
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    named = [output["data"] for output in outputs if _FIGURE in output.get("data", {})]
    for data in named:
        figure = data.pop(_FIGURE)["figure"]
        shown = visitor.web.get(f"{base}onggi/figures/{figure}", headers={"Referer": f"{base}lab"})
        shown.raise_for_status()
        data[shown.json()["kind"]] = shown.json()["data"]
    return len(named)


def save_notebook(visitor: Visitor, base: str, file: str, content: Any) -> None:
    """As JupyterLab saves it.

    Raises:
        httpx.HTTPStatusError: if it was not taken.
    """
    address = f"{base}api/contents/{file}"
    token = visitor.cookie("_xsrf", urlsplit(address).path) or ""
    headers = {"X-XSRFToken": token, "Origin": visitor.hub, "Referer": f"{base}lab"}
    body = {"type": "notebook", "format": "json", "content": content}
    visitor.web.put(address, json=body, headers=headers, timeout=60).raise_for_status()

r"""LaTeX that may be typeset in the page: only commands that are named here.

Guarantees: no command that makes links, attributes, styles, ids or new commands passes, whichever packages
the page's MathJax brings: what is not named is refused. Dozens of MathJax's commands can do such things
(`\href`, `\mmlToken`, `\bbox`, `\DeclarePairedDelimiterX`, …), and each version adds some.

Source: MathJax 3.2, "Supported TeX/LaTeX commands"; SymPy 1.13's LaTeX printer.
"""

from __future__ import annotations

import re

_GREEK = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon
    phi chi psi omega varepsilon vartheta varkappa varpi varrho varsigma varphi digamma
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_LETTERS = """
    Im Re aleph beth bot ell emptyset eth exists forall hbar hslash imath infty jmath mho nabla neg nexists
    partial prime surd top varnothing wp angle measuredangle triangle degree cdots ddots dots dotsb dotsc
    dotsi dotsm dotso ldots vdots dag ddag S P pounds copyright
"""
_OPERATORS = """
    amalg ast bigcirc bigstar bullet cap cdot centerdot circ circledast cup dagger ddagger diamond div
    dotplus ltimes mp odot ominus oplus oslash otimes pm rtimes setminus smallsetminus sqcap sqcup star times
    uplus vee wedge wr bigcap bigcup bigodot bigoplus bigotimes bigsqcup biguplus bigvee bigwedge coprod int
    iint iiint oint prod sum
"""
_FUNCTIONS = """
    Pr arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf injlim ker lg lim liminf
    limsup ln log max min mod bmod pmod pod projlim sec sin sinh sup tan tanh
"""
_RELATIONS = """
    approx approxeq asymp cong dashv doteq equiv frown ge geq geqq geqslant gg ggg gt in land le leq leqq
    leqslant lessgtr ll lll lnot lor lt mid models ne neq ngeq ni nleq nmid not notin nsubseteq nsupseteq owns
    parallel perp prec preceq propto sim simeq smile sqsubset sqsubseteq sqsupset sqsupseteq subset subseteq
    subsetneq succ succeq supset supseteq supsetneq therefore because to vDash vdash
"""
_ARROWS = """
    Downarrow Leftarrow Leftrightarrow Longleftarrow Longleftrightarrow Longrightarrow Rightarrow Uparrow
    Updownarrow downarrow gets hookleftarrow hookrightarrow iff implies impliedby leadsto leftarrow
    leftharpoondown leftharpoonup leftrightarrow longleftarrow longleftrightarrow longmapsto longrightarrow
    mapsto nearrow nwarrow rightarrow rightharpoondown rightharpoonup rightleftharpoons searrow swarrow
    uparrow updownarrow xleftarrow xrightarrow
"""
_BRACKETS = """
    Big Bigg Biggl Biggr Bigl Bigr Vert backslash big bigg biggl biggr bigl bigr langle lbrace lbrack lceil
    left lfloor lVert lvert middle rangle rbrace rbrack rceil rfloor right rVert rvert vert
"""
_ACCENTS = """
    acute bar breve check ddot dot grave hat overbrace overleftarrow overline overrightarrow overset stackrel
    substack tilde underbrace underline underset vec widehat widetilde
"""
_SHAPES = """
    Bbb bf binom boldsymbol boxed cal cfrac choose dbinom dfrac displaystyle frac frak genfrac hphantom it
    limits mathbb mathbf mathbin mathcal mathfrak mathit mathop mathord mathrel mathring mathrm mathscr
    mathsf mathstrut mathtt mbox nolimits operatorname over phantom pmb rm root scriptscriptstyle
    scriptstyle sf sqrt tbinom text textbf textit textrm textsf textstyle texttt tfrac tt vphantom
"""
_LAYOUT = """
    begin end cr hfill hline hspace kern mkern mskip newline nonumber notag qquad quad
"""
COMMANDS = frozenset(
    (
        _GREEK + _LETTERS + _OPERATORS + _FUNCTIONS + _RELATIONS + _ARROWS + _BRACKETS + _ACCENTS + _SHAPES
        + _LAYOUT
    ).split()
)  # fmt: skip
ENVIRONMENTS = frozenset(
    """
    Bmatrix Vmatrix align align* aligned array bmatrix cases displaymath equation equation* gather gather*
    gathered matrix multline multline* pmatrix smallmatrix split vmatrix
    """.split()
)
_COMMAND = re.compile(r"\\([A-Za-z]+|.?)", re.DOTALL)
_SIGNS = frozenset("\\{}[]()|,;:!>_%#&$- \n\t'\"")
"""What may follow a backslash besides a name: line ends, brackets, spaces, signs standing for themselves."""
_ENVIRONMENT = re.compile(r"\\(?:begin|end)(?![A-Za-z])\s*(?:\{([A-Za-z*]{1,20})\})?")


def safe_latex(source: str) -> bool:
    """Whether LaTeX uses commands and environments that are named, and nothing else."""
    if any(name not in COMMANDS and name not in _SIGNS for name in _COMMAND.findall(source)):
        return False
    return all(name in ENVIRONMENTS for name in _ENVIRONMENT.findall(source))

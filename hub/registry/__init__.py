"""The registry: people, projects, memberships, data sets, grants, quotas and sessions.

Behind one Protocol (`hub.registry.store`), with an SQL adapter and a memory twin that obey one contract
suite. Frozen values of `onggi.domain` come out, never rows.
"""

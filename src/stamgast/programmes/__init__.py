"""Programme documents, their versions, and ``decide``: what activities are worth. Nothing is posted here.

The doors, imported by module so that starting Django does not load the compiler:

- ``types``: the columns ``ACTIVITIES``, ``DECISIONS``, ``STATES``; ``Version``, ``Decisions``, ``Explanation``
- ``documents``: ``load(text) -> Document``, ``default_document(timezone) -> str``
- ``programme``: ``Programme``, ``compile_programme(versions) -> Programme``
- ``deciding``: ``decide(programme, states, activities) -> Decisions``, ``warm()``
- ``explaining``: ``explain(programme, activity, states=None, language="en") -> Explanation``
- ``operations``: ``publish``, ``save_states``, ``forget_states``
- ``queries``: ``get_programme``, ``load_states``, ``list_versions``
"""

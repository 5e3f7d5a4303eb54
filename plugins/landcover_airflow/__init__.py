"""The Airflow side: hook, operator, trigger and the mapped groups that DAGs are made of.

What belongs here speaks Airflow; what computes is in :mod:`landcover`, which never imports it.
"""

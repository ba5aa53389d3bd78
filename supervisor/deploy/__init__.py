"""Deployments: the stages in their order, hooks, the record of every attempt."""

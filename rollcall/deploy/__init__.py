"""The only package that imports pyinfra: facts, operations, and the steps of deploy.py."""

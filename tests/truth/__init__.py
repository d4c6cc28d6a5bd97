"""Simulations and servers whose truth is known: how often is what Redline says of them wrong?"""

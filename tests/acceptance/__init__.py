"""Tests of the plugin from outside: launch lines, files, and other readers of the same video."""

"""The program above every process tree, and PID 1. Standard library only; imports nothing else of Orbit.

A shim stands above one command: it is the tree's reaper, copies its output, passes stops on, and does not end before
the tree is empty. What conmon is to podman and containerd-shim to Docker.
"""

"""Cameras made of software: the simulated tabletop and a folder of images."""

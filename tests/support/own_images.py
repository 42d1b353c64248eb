"""The full names of Rollcall's own images, by their short ones."""

from rollcall.images.catalogue import IMAGES

REFERENCES = {image.name: image.reference for image in IMAGES}

"""Scripts on a Ray cluster: the executor ``ray``. Ray itself is imported when an executor is made; it comes with the extra ``ray``."""

from gome_ray.settings import RaySettings

__all__ = ["RaySettings"]

"""Where results live: an Icechunk repository (transactional Zarr) on a local folder or an object store.

In the snapshot of a finished run: the group `dataset` (Zarr arrays that `xarray.open_zarr` reads), the group
`provenance` (attributes only), and a root group with the marker of a store of ours.
"""

from stresslab.store.export import export
from stresslab.store.history import RunRecord, Store, open_store
from stresslab.store.run import OpenRun

__all__ = ["OpenRun", "RunRecord", "Store", "export", "open_store"]

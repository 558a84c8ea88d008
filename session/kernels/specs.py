"""One kernel specification, ours, from code: none is looked for in any folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel

KERNEL_NAME = "python3"
_EMPTY = Path(__file__).parent / "empty_resources"


class OnggiKernelSpecs(KernelSpecManager):
    """Knows one kernel."""

    def find_kernel_specs(self) -> dict[str, str]:
        """The one name."""
        return {KERNEL_NAME: str(_EMPTY)}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The one specification.

        Raises:
            NoSuchKernel: for any other name.
        """
        if kernel_name != KERNEL_NAME:
            raise NoSuchKernel(kernel_name)
        return KernelSpec(
            resource_dir=str(_EMPTY),
            argv=["onggi-agent", "{connection_file}"],
            display_name="Python 3 (Onggi)",
            language="python",
            interrupt_mode="message",
            metadata={"debugger": False},
        )

    def get_all_specs(self) -> dict[str, Any]:
        """The one specification in the form of the API."""
        spec = self.get_kernel_spec(KERNEL_NAME).to_dict()
        return {KERNEL_NAME: {"resource_dir": str(_EMPTY), "spec": spec}}

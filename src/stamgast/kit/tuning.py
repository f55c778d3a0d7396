"""The embedded server's settings, from the size of the machine. Nothing here starts or reads a server."""

import contextlib
import shutil
from pathlib import Path

import psutil

from stamgast.kit.configuration import socket_folder

MIB = 1024 * 1024
GIB = 1024 * MIB


def server_settings(folder: Path, memory_bytes: int, *, is_durable: bool) -> str:
    """The text of the server's settings for a machine of this size. What a shop changes with ALTER SYSTEM wins over these.

    No statement, parameter or DETAIL is logged: they hold personal data.
    """
    shared = min(max(memory_bytes // 4, 128 * MIB), 8 * GIB)
    free_disk = shutil.disk_usage(folder).free
    values: dict[str, str | int] = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder(folder)),
        "unix_socket_permissions": "0700",
        "max_connections": 100,
        "shared_buffers": f"{shared // MIB}MB",
        "effective_cache_size": f"{memory_bytes * 6 // 10 // MIB}MB",
        "work_mem": f"{min(max(memory_bytes // 400 // MIB, 4), 64)}MB",
        "maintenance_work_mem": f"{min(max(memory_bytes // 24 // MIB, 64), 1024)}MB",
        "wal_buffers": "16MB",
        "min_wal_size": "512MB" if free_disk > 20 * GIB else "80MB",
        "max_wal_size": f"{min(max(free_disk // 20 // MIB, 512), 4096)}MB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "10s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
        "autovacuum_vacuum_cost_limit": 2000,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
        "fsync": "on" if is_durable else "off",
        "synchronous_commit": "on" if is_durable else "off",
        "full_page_writes": "on" if is_durable else "off",
    }
    lines = [f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
    return "# Written at each start for this machine; change settings with ALTER SYSTEM instead.\n" + "\n".join(lines) + "\n"


def usable_memory_bytes() -> int:
    """What this process may use: the machine's, or less where a container is given less."""
    total = psutil.virtual_memory().total
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            total = min(total, int(Path(path).read_text()))
    return total

"""Consul's key-value store as the ACME program sees it, without Consul."""


class Store:
    """Consul's keys, in memory."""

    def __init__(self) -> None:
        self.keys_: dict[str, bytes] = {}

    def holds_lock(self) -> bool:
        return True

    def check_lock(self) -> None:
        """This program always holds the lock."""

    def get(self, key: str) -> bytes | None:
        return self.keys_.get(key)

    def below(self, prefix: str) -> tuple[int, dict[str, bytes]]:
        return 1, {key: value for key, value in self.keys_.items() if key.startswith(prefix)}

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(self.below(prefix)[1])

    def put(self, key: str, value: bytes, **query: str) -> bool:
        if query.get("cas") == "0" and key in self.keys_:
            return False
        self.keys_[key] = value
        return True

    def delete(self, key: str, *, recurse: bool = False) -> None:
        for each in [each for each in self.keys_ if each == key or (recurse and each.startswith(key))]:
            del self.keys_[each]

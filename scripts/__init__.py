"""Tools of this source tree; nothing of Onggi imports them."""

# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Takes memory until there is none, and goes on.
begin
  held = []
  loop { held << "x" * 1_000_000 }
rescue NoMemoryError => e
  held = nil
  puts "=> #{e.class}, and goes on"
end

# SPDX-License-Identifier: GPL-2.0-only OR MIT
# service.rb: answers forty requests, the twentieth of which wants more than there is.
MIB = 1 << 20
kept = Array.new(12) { "x" * MIB }
answered = 0
refused = "nothing"

(1..40).each do |nr|
  begin
    own = Array.new(8) { "x" * (MIB / 4) }
    own << "x" * MIB while nr == 20 && own.size < 400
    kept[nr % kept.size] = "x" * MIB
    answered += 1
  rescue NoMemoryError => e
    own = nil
    refused = e.class
  end
end
puts "=> #{answered} of 40, #{refused}"

#!/usr/bin/perl
# mk.pl - makes the databases of this directory, with Debian's
# libmaxmind-db-writer-perl: perl mk.pl. Their bytes are committed.
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

# Names of the fields that occur, whatever the layout.
my %types = (
	location => 'map', latitude => 'double', longitude => 'double',
	country => 'map', iso_code => 'utf8_string', city => 'map',
	names => 'map', en => 'utf8_string', registered_country => 'map',
	autonomous_system_number => 'uint32',
	autonomous_system_organization => 'utf8_string',
	country_code => 'utf8_string', asn => 'utf8_string',
	timezone => 'utf8_string',
);

sub make {
	my ($file, $version, $bits, $type, $types, @nets) = @_;
	my $tree = MaxMind::DB::Writer::Tree->new(
		ip_version => $version, record_size => $bits,
		database_type => $type, languages => ['en'],
		description => { en => "dnsd's tests" },
		alias_ipv6_to_ipv4 => $version == 6 ? 1 : 0,
		remove_reserved_networks => 0,
		map_key_type_callback => sub { $types->{ $_[0] } },
	);
	$tree->insert_network(@$_) for @nets;
	open my $out, '>:raw', $file or die "$file: $!";
	$tree->write_tree($out);
	close $out or die "$file: $!";
}

sub city {
	my ($country, $lat, $lon) = @_;
	return { country => { iso_code => $country },
		city => { names => { en => 'somewhere' } },
		location => { latitude => $lat, longitude => $lon } };
}

sub flat {
	my ($country, $lat, $lon) = @_;
	return { country_code => $country, latitude => $lat,
		longitude => $lon, timezone => '' };
}

# GeoIP2 layout, both families in one tree, IPv4 aliased at 2002::/16 etc.
make('city.mmdb', 6, 28, 'dnsd-City', \%types,
	[ '192.0.2.0/24', city('CN', 43.9, 125.3) ],
	[ '198.51.100.0/25', city('GB', 51.5, -0.1) ],
	[ '198.51.100.128/25', city('FR', 48.86, 2.35) ],
	[ '203.0.113.0/24', { country => { iso_code => 'DE' } } ],
	[ '100.64.0.0/16', { registered_country => { iso_code => 'JP' } } ],
	[ '10.0.0.0/8', { city => { names => { en => 'nowhere' } } } ],
	[ '11.0.0.0/8', city('XX', 0, 0) ],
	[ '2001:db8::/32', city('US', 47.3, -122.3) ],
	[ '2001:db8:8000::/34', city('BR', -23.5, -46.6) ]);

# Flat layout: one file a family, single precision and integers.
my %single = (%types, latitude => 'float', longitude => 'float');
make('flat4.mmdb', 4, 24, 'city ipv4', \%single,
	[ '192.0.2.0/24', flat('CN', 43.9, 125.3) ],
	[ '198.51.100.0/24', flat('GB', 51.5, -0.1) ]);
make('flat6.mmdb', 6, 24, 'city ipv6', \%single,
	[ '2001:db8::/32', flat('US', 47.3, -122.3) ]);
my %whole = (%types, latitude => 'int32', longitude => 'int32');
make('whole.mmdb', 4, 32, 'city ipv4', \%whole,
	[ '192.0.2.0/24', flat('AU', -33, 151) ]);

make('country.mmdb', 6, 24, 'country', \%types,
	[ '192.0.2.0/24', { country_code => 'JP' } ],
	[ '203.0.113.0/24', { country_code => 'QQ' } ],
	[ '2001:db8::/32', { country_code => 'BR' } ]);

make('asn.mmdb', 6, 24, 'dnsd-ASN', \%types,
	[ '192.0.2.0/25', { autonomous_system_number => 4134,
		autonomous_system_organization => 'CHINANET' } ],
	[ '192.0.2.128/25', { asn => 'AS4837' } ],
	[ '2001:db8::/33', { autonomous_system_number => 9808 } ]);

# Nothing that dnsd could use.
make('useless.mmdb', 4, 24, 'other', \%types,
	[ '192.0.2.0/24', { timezone => 'UTC' } ]);

# As other vendors have it: texts for numbers, other names, other depths.
my %vendor = (%types, lat => 'utf8_string', lng => 'utf8_string',
	lon => 'utf8_string', loc => 'utf8_string',
	latitude => 'utf8_string', longitude => 'utf8_string',
	country => 'utf8_string', traits => 'map', as_number => 'uint32');
make('vendor.mmdb', 6, 24, 'location', \%vendor,
	[ '192.0.2.0/24', { lat => '43.9', lng => '125.3', country => 'CN',
		asn => 'AS2516' } ],
	[ '198.51.100.0/25', { lat => '-33.90', lon => ' 151.2 ',
		country => 'AU', asn => '4134' } ],
	[ '198.51.100.128/25', { location => { latitude => '48.86',
		longitude => '2.35' }, country_code => 'fr',
		traits => { autonomous_system_number => 3215 } } ],
	[ '203.0.113.0/25', { loc => '51.5,-0.1', country => 'GB',
		as_number => 2856 } ],
	[ '203.0.113.128/25', { latitude => 'north', longitude => '1.0',
		country => 'Germany', asn => 'ASx' } ],
	[ '100.64.0.0/16', { lat => '', lng => '', country => '-',
		asn => '' } ],
	[ '2001:db8::/32', { lat => '91.0', lng => '0.1', country => 'BR' } ]);
make('unreadable.mmdb', 4, 24, 'location', \%vendor,
	[ '192.0.2.0/24', { lat => 'north', lng => 'east' } ]);

"""A collected data folder in small: each table with the few rows that show a trap."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

_AWS_TYPES = (
    "instance_type,kind,arch,vcpus,memory_mib,accel_name,accel_count,accel_memory_mib_each,"
    "network,efa_supported,local_storage_gb,usage_classes"
)

TABLES: Final = {
    "offers_raw/aws_instance_types.csv": f"""{_AWS_TYPES}
p5.48xlarge,gpu,x86_64,192,2097152,H100,8,81920,3200 Gigabit,True,30400,on-demand|spot
p4d.24xlarge,gpu,x86_64,96,1179648,A100,8,40960,4x 100 Gigabit,True,8000,on-demand|spot
g6f.large,gpu,x86_64,2,8192,L4,0,2861,Up to 10 Gigabit,False,100,on-demand|spot
trn2.48xlarge,neuron,x86_64,192,2097152,Trainium2,16,524288,16x 200 Gigabit,True,7600,on-demand
f2.6xlarge,fpga,x86_64,24,262144,Virtex,1,81920,12.5 Gigabit,False,940,on-demand|spot
m7i.large,cpu,x86_64,2,8192,,,,Up to 12.5 Gigabit,False,,on-demand|spot
""",
    "offers_raw/aws_offerings_by_zone.csv.gz": """instance_type,region,location_type,location
p5.48xlarge,us-east-1,availability-zone-id,use1-az1
p5.48xlarge,us-east-1,availability-zone-id,use1-az2
p5.48xlarge,us-east-1,availability-zone,us-east-1a
trn2.48xlarge,us-east-1,availability-zone-id,use1-az1
f2.6xlarge,us-east-1,availability-zone-id,use1-az1
m7i.large,us-east-1,availability-zone-id,use1-az1
""",
    "offers_raw/aws_ondemand_ri1y_2026-01-21.csv": """instance_type,region,on_demand_usd_hour,\
ri_1y_standard_no_upfront_usd_hour
p5.48xlarge,us-east-1,60,50
p4d.24xlarge,us-east-1-bos-1,30,
g6f.large,eu-west-9,0.2,0.15
p3.2xlarge,us-east-1,3.06,
""",
    "offers_raw/aws_ondemand_useast1_usgov_2026-07-20.csv": """instance_type,region,\
on_demand_usd_hour
p5.48xlarge,us-east-1,55.04
p5.48xlarge,us-gov-west-1,70
m7i.large,us-east-1,0.1008
r5b.metal,us-east-1,9
""",
    "offers_raw/aws_zone_ondemand_spot_2025h1.csv.gz": """instance_type,region,zone_id,\
on_demand_usd_hour,spot_usd_hour
p5.48xlarge,us-east-1,use1-az1,100,25
p5.48xlarge,us-east-1,use1-az2,100,100.001
""",
    "spot/aws_spot_advisor_2025-06.csv.gz": """region,instance_type,interruption_max_pct
us-east-1,p5.48xlarge,100
""",
    "offers_raw/commitments_mixed_2026-06-15.csv": """provider,region,sku,tier,total_usd_hour,\
per_gpu_usd_hour
AWS EC2,us-east-1,p5.48xlarge,ri_3y_no_upfront,23,2.875
Azure,eastus,Standard_NC24ads_A100_v4,savings_plan_1y,3,3
GCP,us-central1,Nvidia H100 80GB GPU running in Americas,on_demand,,9.75
GCP,us-central1,Nvidia H100 80GB GPU attached to DWS Defined Duration VMs,dws_flex_start,,4.2
GCP,us-central1,H200 141GB GPU attached to DWS Defined Duration VMs,dws_flex_start,,4.5
GCP,us-central1,A4 Nvidia B200 (1 gpu slice) running in Americas,on_demand,,16
GCP,us-central1,A4 Nvidia B200 (1 gpu slice) attached to DWS VMs,dws_flex_start,,8
GCP,us-central1,DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) in Americas,dws_calendar,,11
GCP,us-central1,Commitment v1: A4 Nvidia B200 (1 gpu slice) for 1 Year,commit_1y,,10
""",
    "offers_raw/azure_ondemand_2026-06-18.csv.gz": """instance_type,region,on_demand_usd_hour
Standard_NC80adis_H100_v5,eastus,14
Standard_NCC40ads_H100_v5,eastus,8.82
Standard_ND96isr_H200_v5,eastus,84.8
Standard_NV6ads_A10_v5,eastus,0.454
Standard_NC36ds_xl_RTXPRO6000BSE_v6,eastus,1.442
Standard_NC6s_v3,eastus,3.06
Standard_D2s_v5,eastus,0.1
Standard_D4s_v5,eastus,0.384
Standard_D8s_v5,eastus,0.4
""",
    "offers_raw/azure_ondemand_spot_2026-05-20.csv.gz": """instance_type,region,vcpus,memory_gib,\
on_demand_usd_hour,spot_usd_hour
Standard_NCC40ads_H100_v5,eastus,40,320,6.98,1.29
Standard_ND96isr_H200_v5,eastus,96,1850,84.8,84.8
Standard_ND40rs_v2,eastus,40,672,23.872,4.4
Standard_NV6ads_A10_v5,eastus,6,55,0.454,
NDamsrA100v4_Type1,eastus,96,900,30,3
""",
    "offers_raw/azure_reservations_2026-03-21.csv": """instance_type,region,\
reservation_total_1y_usd,reservation_total_3y_usd
Standard_ND96isr_H200_v5,eastus,475420,854000
""",
    "offers_raw/azure_retail_meters_5eu_2026-08-22.csv.gz": """region,sku_name,product_name,\
retail_price_usd,price_type
westeurope,NC80adisH100v5,Virtual Machines NCadsH100v5 Series,17.5,Consumption
westeurope,NC80adisH100v5,Virtual Machines NCadsH100v5 Series Windows,21.2,Consumption
westeurope,NC80adisH100v5 Spot,Virtual Machines NCadsH100v5 Series,5.25,Consumption
westeurope,NC80adisH100v5 Low Priority,Virtual Machines NCadsH100v5 Series,3.5,Consumption
westeurope,D2s v5,Dsv5 Series CloudServices,0.2,Consumption
""",
    "offers_raw/azure_instance_types_2026-03-17.csv": """instance_type,sku_family,vcpus,\
memory_mib,gpus,arch
Standard_NC80adis_H100_v5,StandardNCadsH100v5Family,80,655360,8,amd64
Standard_NV6ads_A10_v5,StandardNVADSA10v5Family,6,56320,1,amd64
Standard_D2s_v5,standardDSv5Family,2,8192,0,amd64
""",
    "offers_raw/azure_gpu_sku_families_2026-07-16.csv": """instance_type,family
Standard_ND96isr_H200_v5,standardNDISRH200V5Family
Standard_ND128isr_GB300_v6,standardNDISRGB300V6Family
""",
    "offers_raw/gcp_machine_types_by_region_2026-08-17.csv.gz": """machine_type,vcpus,\
memory_gib,region
a3-highgpu-8g,208,1872,us-central1
a3-ultragpu-8g,224,2952,us-central1
a4-highgpu-8g,224,3968,us-central1
a4-highgpu-8g,224,3968,us-west9
a4x-highgpu-4g,140,884,us-central1
ct6e-standard-1t,44,176,us-central1
n1-standard-8,8,30,us-central1
""",
    "offers_raw/gcp_ondemand_spot_2026-08-03.csv.gz": """machine_type,region,\
on_demand_usd_hour,spot_usd_hour
a3-highgpu-8g,us-central1,88.6,50.6
n1-standard-8,us-central1,0.38,0.08
""",
    "offers_raw/gcp_ondemand_spot_cud_2026-07-30.csv.gz": """machine_type,region,\
on_demand_usd_hour,spot_usd_hour,month_usd,month_cud_1y_usd,month_cud_3y_usd
a3-highgpu-8g,us-central1,88.6,50.6,64678,44822,29200
a3-highgpu-8g,me-central2,141.58,70,103353,73000,44000
n1-standard-8,us-central1,0.38,0.08,194.18,175.2,124.1
""",
    "offers_raw/gcp_zone_ondemand_spot_2026-05-20.csv.gz": """machine_type,accel_name,\
accel_count,zone,on_demand_usd_hour,spot_usd_hour
a3-highgpu-8g,,,us-central1-a,10,4
,H100,8,us-central1-a,33.6,32
a3-ultragpu-8g,,,us-central1-b,12,5
,H200,8,us-central1-b,36,37
a4-highgpu-8g,,,us-central1-b,0,0
,B200,8,us-central1-b,88,34
a4-highgpu-8g,,,us-west9-b,0,0
,B200,8,us-west9-b,64,33
,tpu-v6e-1,1,us-central1-a,700,700
,tpu-v6e-1,1,us-central1-b,2.7,1
n1-standard-8,,,us-central1-a,0.36,0.07
,T4,1,us-central1-a,0.35,0.11
,P4,1,us-central1-a,0.6,0.06
""",
    "offers_raw/gcp_accelerator_types_by_region_2026-08-10.csv": """accelerator_type,region
nvidia-tesla-t4,us-central1
""",
}


def write_collected(folder: Path) -> Path:
    """Write the small tables into `folder`, gzipped where their name says so; return it."""
    for name, text in TABLES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return folder
